// What every page has: its head, the choice of light or dark, errors that people can read, and the service worker.
import { $, make } from "./dom.js";

const PAGES = [
  ["./", "Playground"],
  ["digits.html", "Digits"],
  ["faces.html", "Faces"],
  ["search.html", "Notes"],
];

const isHere = (href) =>
  new URL(href, document.baseURI).pathname === location.pathname.replace(/index\.html$/, "");

const head = () => {
  const links = PAGES.map(([href, name]) => {
    return make("a", { href, "aria-current": isHere(href) ? "page" : undefined }, name);
  });
  const icon = make("img", { src: "icon.svg", width: 30, height: 30, alt: "" });
  const theme = make(
    "button",
    { type: "button", click: turn, "aria-label": "Change between light and dark" },
    "◐",
  );
  const brand = make("span", { class: "brand" }, icon, "Edgewise");
  return [
    make("a", { class: "skip", href: "#main" }, "To the content"),
    make("header", { class: "head" }, brand, make("nav", { "aria-label": "Pages" }, ...links), theme),
  ];
};

const scheme = (value) => document.documentElement.style.setProperty("color-scheme", value);

const turn = () => {
  const now = document.documentElement.style.colorScheme;
  const next = now === "dark" || (now !== "light" && prefersDark()) ? "light" : "dark";
  localStorage.setItem("scheme", next);
  scheme(next);
};

const prefersDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

/** Says what went wrong, with the code by which programs know it. What somebody ended is no error. */
export const showError = (error) => {
  $("error").replaceChildren();
  $("error").hidden = error === undefined || error.code === "cancelled";
  if ($("error").hidden) return;
  $("error").append(make("code", {}, error.code ?? error.name), ` ${error.message}`);
};

/** Does something when asked; what goes wrong is shown, and what went wrong before is forgotten. */
export const guarded =
  (act) =>
  async (...given) => {
    showError(undefined);
    try {
      return await act(...given);
    } catch (error) {
      showError(error);
    }
  };

/** Keeps the application for the time without a network, and the module that this page has fetched. */
const keep = async () => {
  await navigator.serviceWorker.register("sw.js");
  const { active } = await navigator.serviceWorker.ready;
  const modules = (entries) => entries.map(({ name }) => name).filter((name) => name.endsWith(".wasm"));
  const observer = new PerformanceObserver((list) => {
    const urls = modules(list.getEntries());
    if (urls.length > 0) active.postMessage({ keep: urls });
  });
  observer.observe({ type: "resource", buffered: true });
  navigator.serviceWorker.addEventListener("message", () => (document.documentElement.dataset.kept = "true"));
};

scheme(localStorage.getItem("scheme") ?? "light dark");
document.body.prepend(...head());
$("main").prepend(make("div", { id: "error", class: "error", role: "alert", hidden: true }));
if ("serviceWorker" in navigator) keep().catch((error) => console.warn("no service worker", error));
