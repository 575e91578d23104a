// Runs before the first paint: the chosen theme, or the system's, so that nothing flashes.
(() => {
  const root = document.documentElement;
  const choose = () => {
    const choice = root.dataset.themeChoice;
    root.dataset.bsTheme = choice === "dark" || choice === "light" ? choice : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  };
  choose();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", choose);
})();
