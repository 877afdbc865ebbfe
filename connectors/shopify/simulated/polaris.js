// A stand-in for Shopify's Polaris in the simulated admin: the elements that our pages use, drawn in shadow roots of their own.
(() => {
  const look = (css) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    return sheet;
  };
  const tones = `
    :host { --back: light-dark(#e3e3e3, #363b41); --ink: light-dark(#303030, #e6e8ea); }
    :host([tone="success"]) { --back: light-dark(#cdfee1, #123d29); --ink: light-dark(#0c5132, #a5f0c5); }
    :host([tone="warning"]) { --back: light-dark(#fff1c2, #463509); --ink: light-dark(#5e4200, #ffdf8a); }
    :host([tone="critical"]) { --back: light-dark(#fedad9, #551a10); --ink: light-dark(#8e1f0b, #ffb3a8); }
    :host([tone="info"]) { --back: light-dark(#e0f0ff, #10304f); --ink: light-dark(#003d7a, #b5d6ff); }`;
  const define = (name, inner, ...sheets) => customElements.define(name, class extends HTMLElement {
    constructor() {
      super();
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = sheets;
      root.innerHTML = inner;
    }
  });

  define("s-badge", "<slot></slot>", look(tones + `
    :host { display: inline-block; padding: 1px 8px; border-radius: 8px; background: var(--back); color: var(--ink); font-size: 12px; white-space: nowrap; }`));
  define("s-banner", "<div><slot></slot></div>", look(tones + `
    :host { display: block; } div { border-radius: 12px; padding: 12px 16px; background: var(--back); color: var(--ink); }`));
  define("s-section", "<div><slot></slot></div>", look(`
    :host { display: block; }
    div { background: light-dark(#fff, #1f2326); border: 1px solid light-dark(#e3e3e3, #363b41); border-radius: 12px; padding: 16px; }
    :host([padding="none"]) div { padding: 0; overflow: hidden; }`));
})();
