"""Where a source can be changed, by the rules of cargo-mutants 27.1, and how it looks with all of the changes in it.

A change is one of: a function answers at once with a plain value of its type; an operator is another; a sign or a `!` is
gone; an arm of a `match` that has a `_` is gone, or a guard is always or never true; a field comes from the struct's base.
Constructors called `new`, `Default`, tests and what is in macros are left as they are.

`rewritten` puts each behind its number: `a < b` becomes a `match` over the number that is on, whose arm 0 is what it was.
A changed operand stays an operand: of `a - b + c`, whose plus becomes a times, remains `(a - b) * c`. What stands in a
constant cannot depend on a number, and so has no place there; a function that only may be called by one is none then.
"""

import tree_sitter
import tree_sitter_rust

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))
OPERATORS = {
    "==": ["!="], "!=": ["=="], "&&": ["||"], "||": ["&&"], "<": ["==", ">", "<="], ">": ["==", "<", ">="], "<=": [">"],
    ">=": ["<"], "+": ["-", "*"], "+=": ["-=", "*="], "-": ["+", "/"], "*": ["+", "/"], "-=": ["+=", "/="],
    "*=": ["+=", "/="], "/": ["%", "*"], "/=": ["%=", "*="], "%": ["/", "+"], "%=": ["/=", "+="], "<<": [">>"],
    "<<=": [">>="], ">>": ["<<"], ">>=": ["<<="], "&": ["|", "^"], "&=": ["|="], "|": ["&", "^"], "|=": ["&="],
    "^": ["|", "&"], "^=": ["|=", "&="],
}  # fmt: skip
PLAIN = {"bool": ["true", "false"], "str": ['""', '"xyzzy"'], "String": ["String::new()", '"xyzzy".into()']}
UNSIGNED, SIGNED = ("u8", "u16", "u32", "u64", "u128", "usize"), ("i8", "i16", "i32", "i64", "i128", "isize")
CONSTANTS, CALLED = "in a constant", "in a function that a constant calls"
CONSTANT = ("const_item", "static_item", "const_block", "array_type")


class Change:
    """One change: its number, its name, and what of the tree becomes what."""

    def __init__(self, kind, node, to, name):
        self.kind, self.node, self.to, self.name = kind, node, to, name
        self.number = 0
        # Why it cannot stand beside the others.
        self.alone = None


def values(kind, text):
    """Plain values of a type, as its node in the tree has it."""
    name = text(kind)
    if kind.type == "unit_type":
        return ["()"]
    if kind.type in ("primitive_type", "type_identifier", "scoped_type_identifier"):
        if name in PLAIN:
            return PLAIN[name]
        if name in UNSIGNED:
            return ["0", "1"]
        if name in SIGNED:
            return ["0", "1", "-1"]
        return ["0.0", "1.0", "-1.0"] if name in ("f32", "f64") else ["Default::default()"]
    if kind.type == "generic_type":
        outer = text(kind.child_by_field_name("type")).split("::")[-1]
        inner = [child for child in kind.child_by_field_name("type_arguments").named_children if child.type != "lifetime"]
        if not inner:
            return ["Default::default()"]
        of = values(inner[0], text)
        if outer == "Result":
            return [f"Ok({value})" for value in of]
        if outer == "Option":
            return ["None"] + [f"Some({value})" for value in of]
        if outer == "Vec":
            return ["vec![]"] + [f"vec![{value}]" for value in of]
        return [f"{outer}::new({value})" for value in of]
    if kind.type == "array_type":
        length = text(kind.child_by_field_name("length"))
        return [f"[{value}; {length}]" for value in values(kind.child_by_field_name("element"), text)]
    if kind.type == "reference_type":
        inner = kind.child_by_field_name("type")
        if inner.type == "array_type" and inner.child_by_field_name("length") is None:
            of = values(inner.child_by_field_name("element"), text)
            return ["Vec::leak(Vec::new())"] + [f"Vec::leak(vec![{value}])" for value in of]
        return PLAIN["str"] if text(inner) == "str" else [f"Box::leak(Box::new({value}))" for value in values(inner, text)]
    if kind.type == "tuple_type":
        all_values = [[]]
        for part in kind.named_children:
            all_values = [[*before, value] for before in all_values for value in values(part, text)]
        return [f"({', '.join(parts)})" for parts in all_values]
    if kind.type in ("abstract_type", "bounded_type", "never_type"):
        return []
    return ["Default::default()"]


def called_by_constants(paths):
    """The constant functions of these files that a constant calls, or one of them that is called so."""
    calls, found = {}, set()

    def walk(node, of):
        if node.type == "function_item" and b"const fn" in node.text.split(b"{")[0]:
            of = calls.setdefault(node.child_by_field_name("name").text.decode(), set())
        elif node.type in ("function_item", "closure_expression"):
            of = None
        elif node.type in CONSTANT:
            of = found
        elif node.type == "call_expression" and of is not None:
            of.add(node.child_by_field_name("function").text.decode().split("::")[-1].split(".")[-1])
        for child in node.children:
            walk(child, of)

    for path in paths:
        with open(path, "rb") as file:
            walk(PARSER.parse(file.read()).root_node, None)
    while True:
        more = found.union(*(calls.get(name, set()) for name in found))
        if more == found:
            return found & set(calls)
        found = more


class Source:
    """A source with its changes."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.raw = file.read()
        self.changes, self.at = [], {}
        # Functions that a constant calls.
        self.called = set()
        self.walk(PARSER.parse(self.raw).root_node, "", False)

    def text(self, node):
        return self.raw[node.start_byte : node.end_byte].decode()

    def add(self, kind, node, where, to, what, constant, function):
        line = self.raw.rfind(b"\n", 0, where.start_byte) + 1
        column = len(self.raw[line : where.start_byte].decode()) + 1
        name = f"{self.path}:{where.start_point[0] + 1}:{column}: {what}" + (f" in {function}" if function else "")
        change = Change(kind, node, to, name)
        change.function, change.where = function, where
        change.alone = CONSTANTS if constant else None
        self.changes.append(change)

    def walk(self, node, function, constant):
        """Notes the changes at and below a node."""
        # What a closure in a constant does is done later.
        constant = (constant or node.type in CONSTANT) and node.type != "closure_expression"
        if node.type == "function_item":
            name = self.text(node.child_by_field_name("name"))
            body = node.child_by_field_name("body")
            inside = node.parent.parent is not None and node.parent.parent.type == "impl_item"
            if (inside and name == "new") or not body.named_children:
                return
            function = name
            self.answers(node, body, function, constant)
        elif node.type == "impl_item":
            trait = node.child_by_field_name("trait")
            if trait is not None and self.text(trait).split("::")[-1] == "Default":
                return
        elif node.type in ("binary_expression", "compound_assignment_expr"):
            operator = node.child_by_field_name("operator")
            for to in OPERATORS.get(self.text(operator), []):
                self.add("operator", node, operator, to, f"replace {self.text(operator)} with {to}", constant, function)
        elif node.type == "unary_expression" and self.text(node.children[0]) in "-!":
            sign = node.children[0]
            self.add("operator", node, sign, "", f"delete {self.text(sign)}", constant, function)
        elif node.type == "call_expression":
            if self.text(node.child_by_field_name("function")).split("::")[-1].split(".")[-1] == "with_capacity":
                return
        elif node.type == "match_expression":
            self.match(node, function, constant)
        elif node.type == "struct_expression":
            fields = node.child_by_field_name("body").named_children
            if any(field.type == "base_field_initializer" for field in fields):
                for field in fields:
                    if field.type in ("field_initializer", "shorthand_field_initializer"):
                        what = f"delete field {self.text(field).split(':')[0].strip()}"
                        self.add("field", field, field, "", what, constant, function)
        elif node.type == "macro_invocation":
            return
        attributes = []
        for child in node.children:
            if child.type == "attribute_item":
                attributes.append(self.text(child))
                continue
            if child.type not in ("line_comment", "block_comment"):
                if not any("cfg(test)" in text or text.endswith("test]") for text in attributes):
                    length = node.type == "array_expression" and child == node.child_by_field_name("length")
                    self.walk(child, function, constant or length)
                attributes = []

    def keep_constant(self, called):
        """Of these functions, which constants call, nothing can depend on a number."""
        self.called = called
        for change in self.changes:
            if change.function in called and b"const fn %s(" % change.function.encode() in self.raw:
                change.alone = change.alone or CALLED

    def answers(self, node, body, function, constant):
        kind = node.child_by_field_name("return_type")
        for to in values(kind, self.text) if kind is not None else ["()"]:
            if self.text(body)[1:-1].strip() != to:
                self.add("body", body, body.named_children[0], to, f"replace {function} with {to}", constant, function)

    def match(self, node, function, constant):
        arms = [arm for arm in node.child_by_field_name("body").named_children if arm.type == "match_arm"]
        patterns = [arm.child_by_field_name("pattern") for arm in arms]
        guards = [pattern.child_by_field_name("condition") for pattern in patterns]
        rest = any(self.text(pattern) == "_" for pattern in patterns)
        for arm, pattern, guard in zip(arms, patterns, guards):
            if rest and guard is None and self.text(pattern) != "_":
                self.add("arm", arm, arm, "", f"delete match arm {self.text(pattern)}", constant, function)
        for arm, guard in zip(arms, guards):
            for to in ["true", "false"] if guard is not None else []:
                self.add("guard", arm, guard, to, f"replace match guard {self.text(guard)} with {to}", constant, function)

    def alone(self, change):
        """The whole source with this one change."""
        where, to = change.where, change.to.encode()
        first, last = where.start_byte, where.end_byte
        if change.kind == "body":
            first, last = change.node.start_byte + 1, change.node.end_byte - 1
        if change.kind in ("arm", "field") and self.raw[last : last + 1] == b",":
            last += 1
        return (self.raw[:first] + to + self.raw[last:]).decode()

    def rewritten(self):
        """The source with all changes that can stand side by side in it."""
        self.at = {}
        for change in self.changes:
            if change.alone is None:
                self.at.setdefault((change.node.type, change.node.start_byte, change.node.end_byte), []).append(change)
        return self.render(PARSER.parse(self.raw).root_node)

    def render(self, node):
        inner, at = [], node.start_byte
        for child in node.children:
            inner += [self.raw[at : child.start_byte].decode(), self.render(child)]
            at = child.end_byte
        text = "".join(inner) + self.raw[at : node.end_byte].decode()
        changes = self.at.get((node.type, node.start_byte, node.end_byte))
        if node.type == "function_modifiers" and node.parent.child_by_field_name("name").text.decode() not in self.called:
            return text.replace("const", "")
        if changes is None:
            return text
        kind = "arm" if changes[0].kind == "guard" else changes[0].kind
        return getattr(self, f"with_{kind}")(node, text, changes)

    def with_operator(self, node, text, changes):
        def changed(change):
            first, last = change.where.start_byte, change.where.end_byte
            return (self.raw[node.start_byte : first] + change.to.encode() + self.raw[last : node.end_byte]).decode()

        return switch(changes, f"({text})", lambda change: f"({changed(change)})")

    def with_body(self, _, text, changes):
        return f"{{ {switch(changes, '()', lambda change: f'return {change.to}')}; {text[1:]}"

    def with_arm(self, node, _, changes):
        pattern, value = node.child_by_field_name("pattern"), self.render(node.child_by_field_name("value"))
        condition = pattern.child_by_field_name("condition")
        if condition is None:
            return f"{self.text(pattern)} if {switch(changes, 'true', lambda _: 'false')} => {value},"
        before = self.raw[pattern.start_byte : condition.start_byte].decode()
        guard = switch(changes, f"({self.render(condition)})", lambda change: change.to)
        return f"{before}{guard} => {value},"

    def with_field(self, node, text, changes):
        [base] = [child for child in node.parent.children if child.type == "base_field_initializer"]
        name, _, value = text.partition(":")
        return f"{name}: {switch(changes, f'({value or name})', lambda _: f'({self.text(base)[2:]}).{name.strip()}')}"


def switch(changes, plain, changed):
    """What is done under which number; each between marks by which the compiler's complaints are laid at its door."""
    arms = "".join(f"/*<{of.number}*/{of.number} => {changed(of)},/*>{of.number}*/ " for of in changes)
    first, last = changes[0].number, changes[-1].number
    return f"(match crate::switch::one_of({first}, {last}) {{ 0 => {plain}, {arms}_ => unreachable!() }})"
