// A button that is on or off, and remembered in this browser as the colours are. On is the default; where storage is
// refused the choice lasts as long as the page.

export class Switch {
  #button;
  #key;
  #on;

  /** `told(on)` hears of every change, but not of how it begins. */
  constructor(button, key, told) {
    [this.#button, this.#key] = [button, key];
    this.#on = this.#remembered() !== "off";
    button.addEventListener("click", () => {
      this.#on = !this.#on;
      this.#remember();
      this.#show();
      told(this.#on);
    });
    this.#show();
  }

  get on() {
    return this.#on;
  }

  /** Whether there is anything to switch. */
  set hidden(hidden) {
    this.#button.hidden = hidden;
  }

  #show() {
    this.#button.setAttribute("aria-pressed", String(this.#on));
  }

  #remembered() {
    try {
      return localStorage.getItem(this.#key);
    } catch {
      return null;
    }
  }

  #remember() {
    try {
      localStorage.setItem(this.#key, this.#on ? "on" : "off");
    } catch {
      // A private window.
    }
  }
}
