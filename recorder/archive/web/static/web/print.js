// A button that prints, where there are scripts; the browser's own print does the same without.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
