// The page around the app in the simulated admin: hands out ID tokens, shows the app's rooms, follows where it is.
(() => {
  const frame = document.querySelector("iframe");
  const said = document.body.dataset;
  const app = new URL(frame.src).origin;
  const tell = (message) => frame.contentWindow.postMessage({ admin: true, ...message }, app);

  function show(rooms, place) {
    const list = document.querySelector("nav ul");
    list.replaceChildren(...rooms.map(({ name, path }) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = said.here + path;
      link.textContent = name;
      if (path === place.split("?")[0]) link.setAttribute("aria-current", "page");
      link.addEventListener("click", (event) => {
        event.preventDefault();
        tell({ go: path });
      });
      item.append(link);
      return item;
    }));
  }

  addEventListener("message", async (event) => {
    if (event.source !== frame.contentWindow || event.origin !== app || !event.data?.bridge) return;
    if (event.data.ask === "token") {
      const answer = await fetch(said.tokens);
      tell({ number: event.data.number, token: (await answer.json()).token });
    } else if (event.data.toast) {
      document.querySelector("output").value = event.data.toast;
    } else if (event.data.place) {
      show(event.data.rooms, event.data.place);
      history.replaceState(null, "", said.here + (event.data.place === "/" ? "" : event.data.place));
      document.title = event.data.title;
    }
  });
})();
