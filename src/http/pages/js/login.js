// The login: gives the key to the box, which answers with a cookie. Without this script the form does the same.

const form = document.getElementById("login");
const said = document.getElementById("said");
const button = form.querySelector("button");

/** Where to go afterwards: a place of this box, never another host. */
function next() {
  const asked = new URLSearchParams(location.search).get("next") ?? "/";
  try {
    const place = new URL(asked, location.origin);
    const inside = place.origin === location.origin && asked.startsWith("/") && place.pathname !== "/login";
    return inside ? place.pathname + place.search + (place.hash || location.hash) : "/";
  } catch {
    return "/";
  }
}

function refuse(sentence) {
  said.textContent = sentence;
  form.key.setAttribute("aria-invalid", "true");
  form.key.select();
  form.key.focus();
}

async function enter() {
  const answer = await fetch("/login", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Requested-With": "fetch" },
    body: JSON.stringify({ key: form.key.value }),
  });
  if (answer.ok) location.replace(next());
  else if (answer.status === 401 || answer.status === 403) refuse("This is not the key of this box.");
  else if (answer.status === 429) refuse("Too many wrong keys came from here. Wait a minute.");
  else refuse(`The box cannot check the key now (${answer.status}). Try again.`);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  said.textContent = "";
  button.disabled = true;
  await enter().catch(() => refuse("The box does not answer. Try again."));
  button.disabled = false;
});

if (new URLSearchParams(location.search).has("wrong")) refuse("This is not the key of this box.");
