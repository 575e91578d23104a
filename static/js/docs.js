// Starts Swagger UI on the schema named by the page.
const place = document.getElementById("docs");
window.SwaggerUIBundle({ url: place.dataset.schema, domNode: place, deepLinking: true });
