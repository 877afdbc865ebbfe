// A stand-in for Shopify's App Bridge in the simulated admin: what our pages use of it, told by messages between the frame and the page around it.
(() => {
  const waiting = new Map();
  let asked = 0;
  const tell = (said) => parent.postMessage({ bridge: true, ...said }, "*");

  function idToken() {
    return new Promise((resolve) => {
      waiting.set(++asked, resolve);
      tell({ ask: "token", number: asked });
    });
  }

  window.shopify = {
    config: { apiKey: document.querySelector("meta[name='shopify-api-key']")?.content },
    environment: { embedded: parent !== window },
    idToken,
    toast: { show: (words) => tell({ toast: String(words) }) },
  };

  // What is fetched from our own origin carries a token; refused for a stale one, it is asked again with a fresh one, once.
  const plain = window.fetch;
  window.fetch = async (what, how = {}) => {
    const request = new Request(what, how);
    if (new URL(request.url).origin !== location.origin) return plain(request);
    const send = async () => {
      const one = request.clone();
      one.headers.set("Authorization", `Bearer ${await idToken()}`);
      return plain(one);
    };
    const answer = await send();
    return answer.status === 401 && answer.headers.get("X-Shopify-Retry-Invalid-Session-Request") === "1" ? send() : answer;
  };

  async function reload(path) {
    const address = new URL(path, location.origin);
    if (address.origin !== location.origin) return;
    address.searchParams.set("id_token", await idToken());
    location.replace(address);
  }

  const place = () => {
    const here = new URL(location.href);
    for (const name of ["id_token", "shop", "host", "embedded", "hmac", "timestamp", "session", "locale"]) here.searchParams.delete(name);
    return here.pathname + here.search;
  };

  const rooms = () => {
    const links = [...document.querySelectorAll("s-app-nav a:not([rel='home'])")];
    tell({ place: place(), title: document.title, rooms: links.map((link) => ({ name: link.textContent, path: link.getAttribute("href") })) });
  };

  addEventListener("message", (event) => {
    if (event.source !== parent || !event.data?.admin) return;
    if (event.data.token) {
      waiting.get(event.data.number)?.(event.data.token);
      waiting.delete(event.data.number);
    } else if (event.data.go) {
      const link = [...document.querySelectorAll("s-app-nav a")].find((one) => one.getAttribute("href") === event.data.go);
      link ? link.click() : reload(event.data.go);
    }
  });

  customElements.define("s-app-nav", class extends HTMLElement {
    connectedCallback() {
      this.hidden = true;
      setTimeout(rooms);
    }
  });

  const back = new URLSearchParams(location.search).get("shopify-reload");
  if (back) reload(back);
  else addEventListener("DOMContentLoaded", rooms);
  for (const name of ["pushState", "replaceState"]) {
    const usual = history[name];
    history[name] = function (...said) {
      usual.apply(this, said);
      setTimeout(rooms);
    };
  }
})();
