// Values under the pointer, and a switch where a chart is drawn on two axes.
for (const chart of document.querySelectorAll('.chart')) {
  const [left, right, top, bottom] = chart.dataset.area.split(' ').map(Number);
  const [low, high] = chart.dataset.across.split(' ').map(Number);
  const curves = JSON.parse(chart.dataset.curves);
  const drawings = [...chart.querySelectorAll('svg')];
  const size = drawings[0].viewBox.baseVal;
  const add = (kind, parent) => {
    const element = parent.appendChild(document.createElement('div'));
    element.className = kind;
    return element;
  };
  const [rule, note] = [add('rule', chart), add('note', chart)];
  rule.hidden = note.hidden = true;
  const nearest = (points, x) =>
    points.reduce((best, point) => (Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best));
  const shown = value => value.toLocaleString('en', { maximumSignificantDigits: 5 });
  const all = curves.flatMap(([, , points]) => points);
  const hide = () => { rule.hidden = note.hidden = true; };
  const show = event => {
    const box = chart.getBoundingClientRect();
    const pointed = ((event.clientX - box.left) / box.width) * size.width;
    if (!all.length || pointed < left - 20 || pointed > right + 20) return hide();
    const [x] = nearest(all, low + ((pointed - left) / (right - left)) * (high - low));
    const place = left + ((x - low) / (high - low)) * (right - left);
    rule.style = `left:${(100 * place) / size.width}%;top:${(100 * top) / size.height}%;bottom:${100 - (100 * bottom) / size.height}%`;
    note.style = place < size.width / 2 ? `left:${(100 * place) / size.width + 2}%` : `right:${102 - (100 * place) / size.width}%`;
    note.replaceChildren();
    add('at', note).textContent = `${chart.dataset.x} ${shown(x)}`;
    for (const [name, color, points] of curves) {
      const point = points.length ? nearest(points, x) : [Infinity];
      if (Math.abs(point[0] - x) <= (high - low) / 50) {
        add('c' + color, note).textContent = `${name} ${shown(point[1])}`;
      }
    }
    rule.hidden = note.hidden = false;
  };
  chart.addEventListener('pointermove', show);
  chart.addEventListener('pointerdown', show);
  chart.addEventListener('pointerleave', hide);
  if (drawings.length > 1) {
    const button = document.createElement('button');
    const name = () => { button.textContent = chart.dataset.scale === 'linear' ? 'log axis' : 'linear axis'; };
    button.type = 'button';
    button.addEventListener('click', () => {
      for (const drawing of drawings) drawing.toggleAttribute('hidden');
      chart.dataset.scale = chart.dataset.scale === 'linear' ? 'logarithmic' : 'linear';
      name();
    });
    name();
    chart.closest('figure').querySelector('figcaption').append(' ', button);
  }
}
