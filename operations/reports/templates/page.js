"use strict";
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const wantsDark = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;

  // The interpreter of expressions needs no eval, which the page's policy does not allow.
  const options = { actions: false, renderer: "svg", ast: true, logLevel: 1 };

  const draw = async (theme) => {
    for (const place of document.querySelectorAll("[data-chart]")) {
      const spec = { ...charts.specs[place.dataset.chart], config: charts[theme] };
      await vegaEmbed(place, spec, options);
      place.dataset.drawn = theme;
    }
  };

  // Paper is light and as wide as it is, whatever the screen shows; a browser that prints waits for nobody.
  const drawForPaper = async () => {
    for (const place of document.querySelectorAll("[data-print]")) {
      const drawn = charts.specs[place.dataset.print];
      const spec = { ...drawn, width: 330, height: drawn.height * 0.55, config: charts.paper };
      await vegaEmbed(place, spec, options);
    }
    root.dataset.printable = "yes";
  };

  const show = async () => {
    const theme = chosen ?? (wantsDark.matches ? "dark" : "light");
    root.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light colours" : "Dark colours";
    await draw(theme);
  };

  button.addEventListener("click", () => {
    chosen = root.dataset.theme === "dark" ? "light" : "dark";
    show();
  });
  wantsDark.addEventListener("change", show);

  for (const drill of document.querySelectorAll("button.drill")) {
    drill.addEventListener("click", () => {
      const isOpen = drill.getAttribute("aria-expanded") === "true";
      drill.setAttribute("aria-expanded", String(!isOpen));
      document.getElementById(drill.getAttribute("aria-controls")).hidden = isOpen;
    });
  }

  show().then(drawForPaper);
})();
