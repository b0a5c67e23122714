'use strict';

const COLOURS = ['#ff5247', '#4aa8ff', '#ffd400', '#5fd38a', '#d58bff', '#ff9e3d'];
const OPACITY = 0.45;
const STEPS = 500; // Of a slider of intensities.

const byId = (id) => document.getElementById(id);
const scene = JSON.parse(byId('case').textContent);
const text = (value) => String(Number(value.toPrecision(4)));
const signed = (value) => (value < 0 ? '\u2212' : '') + Math.abs(value).toFixed(1);

function make(tag, parent, properties = {}) {
  const element = Object.assign(document.createElement(tag), properties);
  parent.append(element);
  return element;
}

async function loadNiivue() {
  const packed = Uint8Array.from(atob(byId('niivue').textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const code = new Blob([await new Response(stream).arrayBuffer()], { type: 'text/javascript' });
  const script = document.createElement('script');
  script.src = URL.createObjectURL(code);
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error('the viewer cannot be started'));
    document.head.append(script);
  });
  URL.revokeObjectURL(script.src);
}

function choice(parent, name, options, choose) {
  options.forEach(([label, value], i) => {
    const line = make('label', parent);
    const input = make('input', line, { type: 'radio', name, checked: i === 0 });
    make('span', line, { textContent: label });
    input.addEventListener('change', () => choose(value));
  });
}

function toggle(parent, label, change, checked = true) {
  const line = make('label', parent, { className: 'switch' });
  const input = make('input', line, { type: 'checkbox', checked });
  line.append(label);
  input.addEventListener('change', () => change(input.checked));
  return input;
}

function opacitySlider(parent, opacity, change) {
  const line = make('label', parent, { className: 'slider', textContent: 'Opacity ' });
  const told = make('output', line, { textContent: `${100 * opacity} %` });
  const input = make('input', line, { type: 'range', min: 0, max: 100 });
  input.value = 100 * opacity;
  input.addEventListener('input', () => {
    told.textContent = `${input.value} %`;
    change(input.value / 100);
  });
}

function onKey(code, act) {
  document.addEventListener('keydown', (event) => {
    if (event.code === code && !event.ctrlKey && !event.metaKey) act();
  });
}

function rgb(colour) {
  return [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
}

class Viewer {
  constructor() {
    this.nv = new niivue.Niivue({
      isRadiologicalConvention: true,
      multiplanarShowRender: niivue.SHOW_RENDER.ALWAYS,
      multiplanarLayout: niivue.MULTIPLANAR_TYPE.GRID,
      multiplanarPadPixels: 4,
      dragMode: niivue.DRAG_MODE.windowing,
      crosshairColor: [0.42, 0.71, 1, 0.9],
      crosshairWidth: 0.25,
      crosshairWidthUnit: 'percent',
      showAllOrientationMarkers: true,
      isOrientCube: true,
      fontColor: [0.9, 0.92, 0.95, 1],
      show3Dcrosshair: true,
      dragAndDropEnabled: false,
      viewModeHotKey: '',
      logLevel: 'error',
      loadingText: '',
    });
    this.nv.onLocationChange = (at) => this.tell(at);
    this.nv.onIntensityChange = () => this.showWindow();
  }

  async open() {
    await this.nv.attachToCanvas(byId('canvas'));
    this.images = await Promise.all(scene.images.map((image) => this.load(image, 'gray', 1)));
    scene.images.forEach((image, i) => this.setRange(this.images[i], ...image.window));
    this.nv.addVolume(this.images[0]);
    if (scene.labels) this.nv.addVolume(await this.loadLabels());
    this.firstMask = this.nv.volumes.length;
    this.opacities = scene.masks.map((mask) => (mask.hidden ? 0 : OPACITY));
    this.colourMasks(false);
    for (const [i, mask] of scene.masks.entries()) {
      const volume = await this.load(mask, `mask ${i}`, this.opacities[i]);
      this.setRange(volume, 0, 1);
      this.nv.addVolume(volume);
    }
    this.shown = 0;
    this.goTo(scene.start_mm);
  }

  load(volume, colormap, opacity) {
    return niivue.NVImage.loadFromBase64({ base64: volume.nifti, name: 'volume.nii.gz', colormap, opacity });
  }

  // The colour of 0, which is transparent, is blended into edges next to it: a mask's own keeps the mask
  // bright to its edge, but would put a rim of that colour around a label map.
  colourMasks(overLabels) {
    scene.masks.forEach((_, i) => {
      const [R, G, B] = rgb(COLOURS[i % COLOURS.length]).map((value) => [overLabels ? 0 : value, value]);
      this.nv.addColormap(`mask ${i}`, { R, G, B, A: [0, 255], I: [0, 255] });
    });
  }

  async loadLabels() {
    const volume = await this.load(scene.labels, 'gray', 0);
    const colours = scene.labels.colours.map(rgb);
    const [R, G, B] = [0, 1, 2].map((i) => colours.map((colour) => colour[i]));
    volume.setColormapLabel({ R, G, B });
    this.labelOpacity = OPACITY;
    return volume;
  }

  setRange(volume, low, high) {
    volume.cal_min = low;
    volume.cal_max = high;
  }

  goTo(mm) {
    this.nv.scene.crosshairPos = this.nv.mm2frac(mm, 0, true);
    this.nv.createOnLocationChange();
    this.nv.drawScene();
  }

  tell(at) {
    const [x, y, z] = at.mm;
    const side = x < -0.05 ? ' left' : x > 0.05 ? ' right' : '';
    byId('millimetres').textContent = `${scene.space} x ${signed(x)}${side}, y ${signed(y)}, z ${signed(z)} mm`.trim();
    const values = at.values.map((one) => one.value);
    const [image, masks] = [values[0], values.slice(this.firstMask)];
    const structure = scene.labels && values[1] > 0 ? [scene.labels.names[values[1]]] : [];
    const inside = scene.masks.filter((_, i) => masks[i] > 0).map((mask) => mask.name);
    byId('values').textContent = [`${scene.images[this.shown].name} ${text(image)}`, ...new Set([...structure, ...inside])].join('; ');
  }

  setMaskOpacity(index, opacity) {
    this.opacities[index] = opacity;
    this.showMasks(true);
  }

  showMasks(on) {
    byId('masks-shown').checked = on;
    this.opacities.forEach((opacity, i) => this.nv.setOpacity(i + this.firstMask, on ? opacity : 0));
  }

  showLabels(on) {
    byId('labels-shown').checked = on;
    const opacity = on ? this.labelOpacity : 0;
    this.colourMasks(opacity > 0);
    this.nv.setOpacity(1, opacity);
  }

  showContrast(index) {
    const before = this.nv.volumes[0];
    this.shown = index;
    this.nv.addVolume(this.images[index]);
    this.nv.setVolume(this.images[index], 0);
    this.nv.removeVolume(before);
    this.nv.createOnLocationChange();
    this.showWindow();
  }

  showWindow() {
    const { cal_min: low, cal_max: high } = this.nv.volumes[0];
    const [least, greatest] = scene.images[this.shown].range;
    const span = greatest - least;
    for (const [id, value, min, max] of [
      ['level', (low + high) / 2, least, greatest],
      ['window', high - low, span / STEPS, span],
    ]) {
      Object.assign(byId(id), { min, max, step: span / STEPS });
      byId(id).value = value;
      byId(`${id}-value`).textContent = text(value);
    }
  }

  setWindow() {
    const [level, width] = ['level', 'window'].map((id) => Number(byId(id).value));
    this.setRange(this.nv.volumes[0], level - width / 2, level + width / 2);
    this.nv.updateGLVolume();
    byId('level-value').textContent = text(level);
    byId('window-value').textContent = text(width);
  }

  resetWindow() {
    this.setRange(this.nv.volumes[0], ...scene.images[this.shown].window);
    this.nv.updateGLVolume();
    this.showWindow();
  }
}

function addMasks(viewer) {
  byId('overlays').hidden = !scene.masks.length;
  const shown = toggle(byId('overlays'), 'Shown (key M)', (on) => viewer.showMasks(on));
  shown.id = 'masks-shown';
  onKey('KeyM', () => viewer.showMasks(!shown.checked));
  scene.masks.forEach((mask, i) => {
    const box = make('div', byId('overlays'), { className: 'mask' });
    const name = make('div', box, { className: 'name' });
    const swatch = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    swatch.style.background = COLOURS[i % COLOURS.length];
    name.append(swatch);
    make('b', name, { textContent: mask.name });
    make('span', name, { textContent: mask.volume });
    if (mask.centre_mm) {
      const button = make('button', name, { type: 'button', textContent: 'Go to' });
      button.addEventListener('click', () => viewer.goTo(mask.centre_mm));
    }
    opacitySlider(box, viewer.opacities[i], (opacity) => viewer.setMaskOpacity(i, opacity));
  });
}

function addAnatomy(viewer) {
  const box = byId('anatomy');
  box.hidden = !scene.labels;
  if (!scene.labels) return;
  const shown = toggle(box, 'Shown (key A)', (on) => viewer.showLabels(on), false);
  shown.id = 'labels-shown';
  onKey('KeyA', () => viewer.showLabels(!shown.checked));
  opacitySlider(box, OPACITY, (opacity) => {
    viewer.labelOpacity = opacity;
    viewer.showLabels(true);
  });
}

function addControls(viewer) {
  const nv = viewer.nv;
  const layouts = [
    ['All', nv.sliceTypeMultiplanar],
    ['Axial', nv.sliceTypeAxial],
    ['Coronal', nv.sliceTypeCoronal],
    ['Sagittal', nv.sliceTypeSagittal],
    ['3D', nv.sliceTypeRender],
  ];
  choice(byId('layouts'), 'layout', layouts, (type) => nv.setSliceType(type));
  toggle(byId('switches'), 'Right side of the patient on the left', (on) => nv.setRadiologicalConvention(on));
  toggle(byId('switches'), 'Smooth between voxels', (on) => nv.setInterpolation(!on));
  choice(
    byId('contrasts'),
    'contrast',
    scene.images.map((image, i) => [image.name, i]),
    (i) => viewer.showContrast(i),
  );
  for (const id of ['level', 'window']) byId(id).addEventListener('input', () => viewer.setWindow());
  byId('reset').addEventListener('click', () => viewer.resetWindow());
  viewer.showWindow();
  addMasks(viewer);
  addAnatomy(viewer);
}

function addFacts() {
  byId('grid').textContent = scene.grid;
  for (const [term, fact] of scene.facts) {
    make('dt', byId('facts'), { textContent: term });
    make('dd', byId('facts'), { textContent: fact });
  }
}

async function start() {
  addFacts();
  if (!document.createElement('canvas').getContext('webgl2')) {
    throw new Error('this browser shows no WebGL 2, which the viewer needs');
  }
  await loadNiivue();
  const viewer = new Viewer();
  await viewer.open();
  addControls(viewer);
  byId('status').hidden = true;
  document.body.dataset.state = 'ready';
}

start().catch((error) => {
  document.body.dataset.state = 'failed';
  byId('status').textContent = `Nothing can be shown: ${error.message}`;
});
