// Shapes to turn. One WebGL renderer draws them all, each into its own 2D canvas, so that a page may hold hundreds.
(() => {
  "use strict";
  const SIZE = 480, BACK = 2.15;
  const shapes = new Map();
  let renderer, scene, camera, lamp;

  function stage() {
    renderer = new THREE.WebGLRenderer({ antialias: true, alpha: true, preserveDrawingBuffer: true });
    renderer.setSize(SIZE, SIZE, false);
    renderer.outputEncoding = THREE.sRGBEncoding;
    scene = new THREE.Scene();
    scene.add(new THREE.HemisphereLight(0xffffff, 0x555b66, 0.55));
    lamp = new THREE.DirectionalLight(0xffffff, 0.75);
    scene.add(lamp);
    camera = new THREE.PerspectiveCamera(30, 1, 0.05, 20);
  }

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const raw = await new Response(stream).arrayBuffer();
    const length = new DataView(raw).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(raw, 4, length)));
    return { header, raw, at: 4 + length };
  }

  function read({ header, raw, at }) {
    const step = header.side / 65535, next = n => { const from = at; at += n + (4 - n % 4) % 4; return from; };
    const middle = [0, 1, 2].map(k => {
      let low = Infinity, high = -Infinity, offset = at;
      for (const [points, faces] of header.counts) {
        const steps = new Uint16Array(raw, offset, 3 * points);
        for (let i = k; i < steps.length; i += 3) { low = Math.min(low, steps[i]); high = Math.max(high, steps[i]); }
        offset += 6 * points + (4 - (6 * points) % 4) % 4 + 12 * faces;
      }
      return (low + high) / 2;
    });
    return header.counts.map(([points, faces]) => {
      const steps = new Uint16Array(raw, next(6 * points), 3 * points);
      const positions = Float32Array.from(steps, (s, i) => (s - middle[i % 3]) * step / header.side);
      return { positions, index: faces ? new Uint32Array(raw, next(12 * faces), 3 * faces) : null };
    });
  }

  function build({ kind, up, tone }, { positions, index }) {
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.BufferAttribute(positions, 3));
    const tint = getComputedStyle(document.documentElement).getPropertyValue(`--tone-${tone}`).trim();
    const linear = new THREE.Color(tint).convertSRGBToLinear();
    let body;
    if (kind === "mesh") {
      geometry.setIndex(new THREE.BufferAttribute(index, 1));
      geometry.computeVertexNormals();
      body = new THREE.Mesh(geometry, new THREE.MeshStandardMaterial({ color: linear, roughness: 0.75, side: THREE.DoubleSide }));
    } else {
      body = new THREE.Points(geometry, new THREE.PointsMaterial({ color: linear, size: 0.04 }));
    }
    const turned = new THREE.Group();
    turned.add(body);
    if (up === "z") turned.rotation.x = -Math.PI / 2;
    return turned;
  }

  async function load(canvas) {
    const key = canvas.dataset.shape;
    if (!shapes.has(key)) {
      const source = document.getElementById(key);
      const frames = read(await unpack(source.textContent));
      shapes.set(key, frames.map(frame => build(source.dataset, frame)));
    }
    return shapes.get(key);
  }

  function draw(view) {
    const body = view.frames[view.frame % view.frames.length];
    scene.add(body);
    const { turn, tilt, near } = view;
    camera.position.set(Math.sin(turn) * Math.cos(tilt), Math.sin(tilt), Math.cos(turn) * Math.cos(tilt)).multiplyScalar(BACK * near);
    camera.lookAt(0, 0, 0);
    lamp.position.copy(camera.position).add(new THREE.Vector3(0.6, 1.2, 0));
    renderer.render(scene, camera);
    scene.remove(body);
    view.pen.clearRect(0, 0, SIZE, SIZE);
    view.pen.drawImage(renderer.domElement, 0, 0);
    view.canvas.dataset.drawn = "yes";
  }

  function listen(view) {
    const { canvas } = view;
    let from = null;
    canvas.addEventListener("pointerdown", e => { from = [e.clientX, e.clientY]; canvas.setPointerCapture(e.pointerId); });
    canvas.addEventListener("pointerup", () => { from = null; });
    canvas.addEventListener("pointermove", e => {
      if (!from) return;
      view.turn -= (e.clientX - from[0]) / 80;
      view.tilt = Math.max(-1.5, Math.min(1.5, view.tilt + (e.clientY - from[1]) / 80));
      from = [e.clientX, e.clientY];
      draw(view);
    });
    canvas.addEventListener("wheel", e => {
      if (!e.ctrlKey && !e.shiftKey) return;  // a page must scroll
      e.preventDefault();
      view.near = Math.max(0.4, Math.min(3, view.near * Math.exp(e.deltaY / 500)));
      draw(view);
    }, { passive: false });
    canvas.addEventListener("keydown", e => {
      const by = { ArrowLeft: [0.15, 0], ArrowRight: [-0.15, 0], ArrowUp: [0, 0.15], ArrowDown: [0, -0.15] }[e.key];
      if (!by) return;
      e.preventDefault();
      view.turn += by[0];
      view.tilt += by[1];
      draw(view);
    });
  }

  async function show(canvas) {
    const frames = await load(canvas);
    canvas.width = canvas.height = SIZE;
    const view = { canvas, frames, frame: 0, turn: 0.7, tilt: 0.45, near: 1, pen: canvas.getContext("2d") };
    draw(view);
    listen(view);
    if (frames.length > 1) play(view);
  }

  function play(view) {
    const button = view.canvas.parentElement.querySelector("button.play");
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    let playing = !still;
    const seen = { now: true };
    new IntersectionObserver(found => { seen.now = found[0].isIntersecting; }).observe(view.canvas);
    setInterval(() => { if (playing && seen.now) { view.frame += 1; draw(view); } }, 120);
    if (button) button.addEventListener("click", () => { playing = !playing; button.textContent = playing ? "pause" : "play"; });
    if (button) button.textContent = playing ? "pause" : "play";
  }

  function refuse(error) {
    document.body.classList.add("flat");
    const said = document.getElementById("viewer-said");
    if (said) said.textContent = `Shapes cannot be turned here (${error.message}); the pictures below show them.`;
  }

  addEventListener("DOMContentLoaded", () => {
    const canvases = [...document.querySelectorAll("canvas[data-shape]")];
    if (!canvases.length) return;
    try { stage(); } catch (error) { refuse(error); return; }
    const watch = new IntersectionObserver(entries => {
      for (const entry of entries) if (entry.isIntersecting) { watch.unobserve(entry.target); show(entry.target).catch(refuse); }
    }, { rootMargin: "300px" });
    canvases.forEach(canvas => watch.observe(canvas));
    addEventListener("beforeprint", () => canvases.forEach(canvas => { if (!canvas.dataset.drawn) show(canvas).catch(refuse); }));
  });
})();
