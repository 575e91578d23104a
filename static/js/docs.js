// The API reference: Swagger UI on the schema that the page names, in the theme that theme.js chose.
(() => {
  const root = document.documentElement;
  const paint = () => root.classList.toggle("dark-mode", root.dataset.bsTheme === "dark");
  paint();
  new MutationObserver(paint).observe(root, { attributeFilter: ["data-bs-theme"] });
  addEventListener("DOMContentLoaded", () => {
    const place = document.getElementById("docs");
    window.SwaggerUIBundle({
      url: place.dataset.schema,
      domNode: place,
      deepLinking: true,
      docExpansion: "none", // some hundred routes: open a service to see its own
      filter: true,
      tagsSorter: "alpha",
      defaultModelsExpandDepth: -1,
      validatorUrl: null, // nothing leaves this page
    });
  });
})();
