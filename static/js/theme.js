// Runs before the first paint: the chosen theme, or the system's, so that nothing flashes. Paper is light.
(() => {
  const root = document.documentElement, paper = matchMedia("print");
  const choose = () => {
    const choice = root.dataset.themeChoice;
    root.dataset.bsTheme = paper.matches ? "light" : choice === "dark" || choice === "light" ? choice : matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  };
  choose();
  paper.addEventListener("change", choose);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", choose);
})();
