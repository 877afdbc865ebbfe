// The bench: what was scanned is heard, the label opens by itself, and Enter opens it once more.
(() => {
  if (window.atTheBench) return;  // a page that is exchanged brings its script again
  window.atTheBench = true;
  let air;
  const beep = (tones) => {
    const Audio = window.AudioContext || window.webkitAudioContext;
    if (!Audio) return;
    air = air || new Audio();
    air.resume?.();
    tones.forEach(([pitch, from, long, shape]) => {
      const tone = air.createOscillator(), volume = air.createGain();
      tone.type = shape; tone.frequency.value = pitch; volume.gain.value = 0.2;
      tone.connect(volume).connect(air.destination);
      tone.start(air.currentTime + from); tone.stop(air.currentTime + from + long);
    });
  };
  const SOUNDS = {
    right: [[1320, 0, 0.07, "sine"]],
    wrong: [[180, 0, 0.25, "square"], [140, 0.3, 0.35, "square"]],
    unknown: [[420, 0, 0.12, "square"], [420, 0.2, 0.12, "square"]],
  };
  let opened = "";
  // Inside an admin a link is fetched with a token and saved: only what is pressed carries one.
  const open_ = (link) => { opened = link.href; if (link.hasAttribute("download")) link.click(); else window.open(link.href, "_blank", "noopener"); };

  const arrive = () => {
    const bench = document.getElementById("bench");
    if (!bench || bench.dataset.heard) return;
    bench.dataset.heard = "1";
    if (bench.dataset.sound) beep(SOUNDS[bench.dataset.sound] || []);
    const focused = bench.querySelector("[autofocus]");
    focused?.focus();
    if (focused && "whole" in focused.dataset) focused.select();
    const link = bench.querySelector("#print[data-opens]");
    if (link && opened !== link.href) {
      open_(link);
      const here = new URL(location); here.searchParams.delete("printed");
      history.replaceState(history.state, "", here);  // loaded again, the page opens nothing
    }
  };
  document.addEventListener("submit", (event) => {
    if (!event.target.matches?.("form.scan") || event.target.querySelector("#scan").value.trim()) return;
    event.preventDefault(); event.stopImmediatePropagation();
    const link = document.getElementById("print");
    if (link) open_(link);
  }, true);
  document.addEventListener("htmx:afterSettle", arrive);
  document.addEventListener("DOMContentLoaded", arrive);
  arrive();
})();
