#!/usr/bin/env bash
# Every committed shell script, whatever it is called, under shellcheck. It prints how many there were; none would be a fault of
# this script.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts=()
while IFS= read -r -d '' file; do
  [ -f "$file" ] || continue
  if head -n 1 "$file" | tr -d '\0' | grep -qE '^#! ?/(usr/)?bin/(env )?(ba)?sh( |$)'; then scripts+=("$file"); fi
done < <(git ls-files -z --cached --others --exclude-standard)
[ "${#scripts[@]}" -gt 10 ] || { echo "only ${#scripts[@]} scripts were found" >&2; exit 1; }
shellcheck --external-sources "${scripts[@]}"

# A recipe of a container is a script too; what its RUN lines do is looked at as such.
for recipe in cross/*.Dockerfile; do
  [ -e "$recipe" ] || continue
  sed -e ':join' -e '/\\$/{N;b join' -e '}' "$recipe" | sed -n 's/^RUN //p' | sed '1i #!/bin/bash\nset -euo pipefail' |
    shellcheck --exclude=SC2154 - || { echo "in the RUN lines of $recipe" >&2; exit 1; }
done
printf '%s shell scripts are clean\n' "${#scripts[@]}"
