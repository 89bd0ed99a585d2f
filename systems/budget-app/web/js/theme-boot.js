/* Sets the chosen theme before the first paint, so that the page never flashes. */
(function () {
  try {
    var theme = localStorage.getItem('kitty.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch (e) { /* storage is blocked: the system's theme applies */ }
})();
