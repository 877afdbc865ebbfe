// Inside a channel's own admin: whatever is asked of us carries a token of the channel's script, and no cookie.
(() => {
  const bridge = window[document.currentScript.dataset.bridge];
  const ours = (address) => new URL(address, location.href).origin === location.origin;

  // htmx asks by XMLHttpRequest, which the channel's script leaves alone: a request of ours waits for its token.
  const { open, send } = XMLHttpRequest.prototype;
  const asked = new WeakSet();
  XMLHttpRequest.prototype.open = function (method, address, ...rest) {
    if (ours(address)) asked.add(this);
    return open.call(this, method, address, ...rest);
  };
  XMLHttpRequest.prototype.send = function (body) {
    if (!asked.has(this)) return send.call(this, body);
    bridge.idToken().then((token) => {
      this.setRequestHeader("Authorization", `Bearer ${token}`);
      send.call(this, body);
    });
  };

  // What was said once is not said again by a reload.
  document.addEventListener("htmx:pushedIntoHistory", () => {
    const here = new URL(location.href);
    if (here.searchParams.has("said")) {
      here.searchParams.delete("said");
      history.replaceState(history.state, "", here);
    }
  });

  // A page that went wrong is shown like any other; where our clocks differ too much, the page is opened anew.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.boosted && event.detail.xhr.status >= 400) event.detail.shouldSwap = true;
  });
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 401) location.reload();
  });

  // A file is fetched, since a link cannot carry a token: `a[download]`, and forms and buttons that are marked data-download.
  async function save(address, how, name) {
    const answer = await fetch(address, { ...how, headers: { Authorization: `Bearer ${await bridge.idToken()}` } });
    if (!answer.ok) return location.reload();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = /filename="?([^";]+)/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1] ?? name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }
  const instead = (event, address, how, name = "") => {
    event.preventDefault();
    event.stopImmediatePropagation();
    save(address, how, name);
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[download]");
    if (link && ours(link.href) && link.protocol !== "blob:") instead(event, link.href, {}, link.download);
  }, true);
  document.addEventListener("submit", (event) => {
    const { target: form, submitter: button } = event;
    const address = button?.hasAttribute("formaction") ? button.formAction : form.action;
    if ([form, button].some((one) => one?.hasAttribute("data-download"))) instead(event, address, { method: "POST", body: new FormData(form, button) });
  }, true);
})();
