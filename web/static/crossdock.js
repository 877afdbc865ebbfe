// What htmx does not do: nothing is fetched for a page that nobody looks at, and nothing is exchanged under somebody's hands.
const inUse = (part) => part?.querySelector("details[open]") || (part?.contains(document.activeElement) && document.activeElement.matches("input, select, textarea"));

document.addEventListener("htmx:confirm", (event) => {
  const byItself = !["submit", "click"].includes(event.detail.triggeringEvent?.type);
  if (byItself && (document.hidden || inUse(event.detail.target))) event.preventDefault();
});
// One box ticks all boxes of a form.
document.addEventListener("change", (event) => {
  const form = event.target.dataset?.ticks;
  if (form) document.querySelectorAll(`input[name="id"][form="${form}"]`).forEach((box) => { box.checked = event.target.checked; });
});
