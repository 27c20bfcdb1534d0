// The colours: dark, light, or as the device says. Runs before the first paint, so nothing flashes.
//
// Dark is the default, because the wall hangs in a gym and glows all evening. The choice is remembered in this
// browser alone; where storage is refused the page stays dark.
(() => {
  "use strict";
  const CHOICES = { dark: "Dark", light: "Light", auto: "As the device" };
  const names = Object.keys(CHOICES);
  const remembered = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  let theme = names.includes(remembered()) ? remembered() : "dark";
  document.documentElement.dataset.theme = theme;

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const show = () => {
      document.documentElement.dataset.theme = theme;
      button.textContent = CHOICES[theme];
      button.setAttribute("aria-label", `Colours: ${CHOICES[theme]}. Press to change`);
    };
    button.addEventListener("click", () => {
      theme = names[(names.indexOf(theme) + 1) % names.length];
      try {
        localStorage.setItem("theme", theme);
      } catch {
        // A private window: the choice lasts as long as the page.
      }
      show();
    });
    show();
  });
})();
