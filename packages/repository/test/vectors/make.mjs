// Builds damaged and healthy repositories and records what cfsctl says about each of them. See README.md.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const [splitstreamVectors] = process.argv.slice(2);
const streams = new Map(JSON.parse(readFileSync(splitstreamVectors, 'utf8')).vectors.map((vector) => [vector.id, vector]));
const legacy = JSON.parse(readFileSync(splitstreamVectors, 'utf8')).legacy_0_3_0;
const scratch = mkdtempSync(join(tmpdir(), 'cfsctl-vectors-'));

/** fs-verity digest by its definition, all in memory. */
function objectId(bytes, algorithm) {
  const hash = (data) => createHash(algorithm).update(data).digest();
  const level = (data) => {
    const hashes = [];
    for (let at = 0; at < data.length; at += 4096) hashes.push(hash(Buffer.concat([data.subarray(at, at + 4096), Buffer.alloc(4096)]).subarray(0, 4096)));
    return hashes;
  };
  let hashes = level(bytes);
  while (hashes.length > 1) hashes = level(Buffer.concat(hashes));
  const descriptor = Buffer.alloc(256);
  descriptor.set([1, algorithm === 'sha256' ? 1 : 2, 12]);
  descriptor.writeBigUInt64LE(BigInt(bytes.length), 8);
  hashes[0]?.copy(descriptor, 16);
  return hash(descriptor).toString('hex');
}

const pathOf = (id) => `objects/${id.slice(0, 2)}/${id.slice(2)}`;
const file = (path, bytes) => ({ path, hex: Buffer.from(bytes).toString('hex') });
const link = (path, target) => ({ path, target });
const objectOf = (bytes, algorithm = 'sha256') => file(pathOf(objectId(Buffer.from(bytes), algorithm)), bytes);
const stream = (name) => Buffer.from(streams.get(name).file_hex, 'hex');
const streamLink = (contentId, id) => link(`streams/${contentId}`, `../${pathOf(id)}`);
const idOf = (name) => streams.get(name).object_id;

const config = streams.get('ref-config-pinned');
const configJson = Buffer.from(config.operations.find((operation) => operation.external_text)?.external_text ?? '');
const layers = ['alpha', 'beta', 'gamma'];
const zeros = (count) => Buffer.alloc(count);
const layerObjects = layers.map((name, index) => [objectOf(stream(`ref-layer-${name}`)), objectOf(zeros((index + 1) * 1000))]);
const layerLinks = layers.map((name) => streamLink(`layer-${name}`, idOf(`ref-layer-${name}`)));
const configObjects = [objectOf(stream('ref-config-pinned')), objectOf(configJson)];
const configLink = streamLink('config', config.object_id);
const tag = link('streams/refs/oci/tag', '../../config');
const healthy = [...layerObjects.flat(), ...layerLinks, ...configObjects, configLink];
const without = (entries, ...paths) => entries.filter((entry) => !paths.includes(entry.path));
const replaced = (entries, path, bytes) => entries.map((entry) => (entry.path === path ? file(path, bytes) : entry));
const oldHeader = Buffer.concat([Buffer.from(streams.get('ref-layer-alpha').old_layout_header_hex, 'hex'), stream('ref-layer-alpha').subarray(32)]);
const external = objectOf(zeros(100));
const dead = 'ab'.repeat(32);

const scenarios = [
  ['empty', []],
  ['healthy', [...healthy, tag]],
  ['no refs', healthy],
  ['one stream kept by an additional root', healthy, { roots: ['layer-beta'] }],
  ['unknown root', healthy, { roots: ['nothing'] }],
  ['loose object', [...healthy, tag, objectOf('loose')]],
  ['ref at the first level', [...healthy, link('streams/refs/tag', '../layer-alpha')]],
  ['two refs to one stream', [...healthy, link('streams/refs/a', '../layer-alpha'), link('streams/refs/b/c', '../../layer-alpha')]],
  ['two names for one stream', [...healthy, streamLink('again', idOf('ref-layer-alpha')), link('streams/refs/tag', '../again')]],
  ['corrupted object', [...replaced(healthy, layerObjects[1][1].path, Buffer.alloc(2000, 1)), tag]],
  ['truncated object', [...replaced(healthy, layerObjects[2][1].path, ''), tag]],
  ['broken stream link', [...healthy, tag, streamLink('broken', dead)]],
  ['missing external object', [...without(healthy, layerObjects[0][1].path), tag]],
  ['missing layer stream', [...without(healthy, layerObjects[0][0].path), tag]],
  ['missing layer stream, unnamed', [...without(healthy, layerObjects[0][0].path, 'streams/layer-alpha'), tag]],
  ['repointed layer name', [...without(healthy, 'streams/layer-alpha'), streamLink('layer-alpha', idOf('ref-layer-beta')), tag]],
  ['file in streams', [...healthy, file('streams/plain', 'x')]],
  ['file in images', [...healthy, file('images/plain', 'x')]],
  ['directory in streams', [...healthy, file('streams/directory/x', 'x')]],
  ['dangling ref', [...healthy, link('streams/refs/gone', '../gone')]],
  ['dangling image ref', [...healthy, link('images/refs/gone', `../${dead}`)]],
  ['file in refs', [...healthy, file('streams/refs/plain', 'x')]],
  ['file deep in refs', [...healthy, file('streams/refs/a/b/plain', 'x'), link('streams/refs/a/b/c', '../../../gone')]],
  ['object with a short name', [...healthy, tag, file('objects/aa/short', 'x')]],
  ['object with an odd name', [...healthy, tag, file('objects/aa/abc', 'x')]],
  ['object with a name that is not hex', [...healthy, tag, file(`objects/aa/${'z'.repeat(62)}`, 'x')]],
  ['object of the other algorithm', [...healthy, tag, objectOf('x', 'sha512')]],
  ['object with an upper case name', [...healthy, tag, file(objectOf('upper').path.replace(/[^/]+$/, (name) => name.toUpperCase()), 'upper')]],
  ['directory among objects', [...healthy, tag, file(`objects/aa/${'b'.repeat(62)}/x`, 'x')]],
  ['stray files', [...healthy, tag, file('stray', 'x'), file('objects/stray', 'x'), file('objects/.tmp-object-abcdefghijkl', 'x'), file('objects/zz/x', 'x'), link('.symlink-abcdefghijkl', 'x')]],
  ['stream that is no splitstream', [...healthy, objectOf('garbage, and long enough for a whole header'), streamLink('bad', objectId(Buffer.from('garbage, and long enough for a whole header'), 'sha256'))]],
  ['stream shorter than its header', [objectOf('short'), streamLink('bad', objectId(Buffer.from('short'), 'sha256'))]],
  ['stream that is no splitstream, as a root', [...healthy, objectOf('garbage, and long enough for a whole header'), streamLink('bad', objectId(Buffer.from('garbage, and long enough for a whole header'), 'sha256')), link('streams/refs/bad', '../bad')]],
  ['stream of the digest-map generation', [objectOf(Buffer.from(legacy[0].file_hex, 'hex')), streamLink('ab'.repeat(32), objectId(Buffer.from(legacy[0].file_hex, 'hex'), 'sha256'))]],
  ['stream with an old header', [objectOf(oldHeader), layerObjects[0][1], streamLink('old', objectId(oldHeader, 'sha256')), link('streams/refs/old', '../old')]],
  ['stream of the other algorithm', [objectOf(stream('inline-hello-sha512')), streamLink('other', objectId(stream('inline-hello-sha512'), 'sha256'))]],
  ['stream link that leads elsewhere', [...healthy, link('streams/else', 'layer-alpha')]],
  ['named refs without a name', [objectOf(stream('named-refs-sha256')), streamLink('named', idOf('named-refs-sha256')), link('streams/refs/named', '../named')]],
  ['external object that no chunk names', [objectOf(stream('object-ref-unused-sha256')), streamLink('unused', idOf('object-ref-unused-sha256')), link('streams/refs/unused', '../unused')]],
  ['shared external object', [external, objectOf(stream('external-zero100-sha256')), objectOf(stream('mixed-dedup-sha256')), objectOf(Buffer.alloc(100, 255)), streamLink('one', idOf('external-zero100-sha256')), streamLink('two', idOf('mixed-dedup-sha256')), link('streams/refs/one', '../one')]],
  ['sha512', [objectOf(stream('external-zero100-sha512'), 'sha512'), objectOf(zeros(100), 'sha512'), objectOf('loose', 'sha512'), streamLink('one', idOf('external-zero100-sha512')), link('streams/refs/one', '../one')], { algorithm: 'sha512' }],
  ['broken image link', [...healthy, link(`images/${dead}`, `../${pathOf(dead)}`)]],
  ['image with a name that is not hex', [objectOf('image'), link('images/name', `../${objectOf('image').path}`)]],
  ['image under another id', [objectOf('image'), link(`images/${dead}`, `../${objectOf('image').path}`)]],
  ['image that is no EROFS', [objectOf('image'), link(`images/${objectId(Buffer.from('image'), 'sha256')}`, `../${objectOf('image').path}`)]],
  ['image that is no EROFS, with a ref', [objectOf('image'), link(`images/${objectId(Buffer.from('image'), 'sha256')}`, `../${objectOf('image').path}`), link('images/refs/name', `../${objectId(Buffer.from('image'), 'sha256')}`)]],
  ...imageScenarios(),
];

/** A small image made by cfsctl itself. */
function imageScenarios() {
  const directory = join(scratch, 'tree');
  mkdirSync(join(directory, 'usr'), { recursive: true });
  writeFileSync(join(directory, 'one'), Buffer.alloc(100, 1));
  writeFileSync(join(directory, 'two'), Buffer.alloc(5000, 2));
  for (const name of ['one', 'two', 'usr', '']) execFileSync('touch', ['-d', '@0', join(directory, name)]);
  const repo = join(scratch, 'image');
  run('init', '--insecure', '--algorithm', 'fsverity-sha256-12', repo);
  const id = run('--repo', repo, 'create-image', directory, 'demo').stdout.trim();
  const objects = run('--repo', repo, 'image-objects', 'refs/demo').stdout.trim().split('\n');
  const entries = tree(repo, true).filter((entry) => entry.path !== 'meta.json');
  const options = { imageObjects: { [id.replace(/^sha256:/, '')]: objects.map((text) => text.replace(/^sha256:/, '')).toSorted() } };
  const stored = entries.find((entry) => entry.hex === '01'.repeat(100)).path;
  const named = 'images/refs/demo';
  return [
    ['image', entries, options],
    ['image without a ref', without(entries, named), options],
    ['image kept by an additional root', without(entries, named), { ...options, roots: [id.replace(/^sha256:/, '')] }],
    ['image with a missing object', without(entries, stored), options],
    ['image beside streams', [...entries, ...healthy], options],
  ];
}

function run(...args) {
  const { status, stdout, stderr } = spawnSync('cfsctl', args, { encoding: 'utf8', env: { ...process.env, RUST_BACKTRACE: '0', RUST_LIB_BACKTRACE: '0' } });
  return { status, stdout, stderr };
}

/** Everything below `root`: with contents or only the paths. */
function tree(root, contents, below = '') {
  return readdirSync(join(root, below)).toSorted().flatMap((name) => {
    const path = below === '' ? name : `${below}/${name}`;
    const stat = lstatSync(join(root, path));
    if (stat.isDirectory()) return tree(root, contents, path);
    if (!contents) return [path];
    return [stat.isSymbolicLink() ? link(path, readlinkSync(join(root, path))) : file(path, readFileSync(join(root, path)))];
  });
}

function build(root, entries, algorithm) {
  run('init', '--insecure', '--algorithm', `fsverity-${algorithm}-12`, root);
  for (const { path, hex, target } of entries) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (target === undefined) writeFileSync(join(root, path), Buffer.from(hex, 'hex'));
    else symlinkSync(target, join(root, path));
  }
}

/** Error chain as one line: cfsctl prints the outermost first, then the causes. */
function errorOf({ status, stderr }) {
  if (status === 0) return undefined;
  return stderr.split('\n').map((line) => line.replace(/^(Error:|Caused by:)?\s*(\d+: )?/, '').trim()).filter((line) => line !== '' && !line.startsWith('Stack backtrace')).join(': ');
}

const contents = {};

/** Contents are kept once, by the start of their hash. */
function keep(hex) {
  const key = createHash('sha256').update(hex).digest('hex').slice(0, 12);
  contents[key] = hex;
  return key;
}

function record([name, entries, { algorithm = 'sha256', roots = [], ...rest } = {}]) {
  const root = join(scratch, 'repo');
  rmSync(root, { recursive: true, force: true });
  build(root, entries, algorithm);
  const fsck = run('--repo', root, 'fsck', '--json');
  const text = run('--repo', root, 'fsck').stdout;
  const metadataOnly = run('--repo', root, 'fsck', '--metadata-only', '--json');
  const rootArguments = roots.flatMap((value) => ['--root', value]);
  const dryRun = run('--repo', root, 'gc', '--dry-run', ...rootArguments);
  const gc = run('--repo', root, 'gc', ...rootArguments);
  return {
    name,
    algorithm,
    roots,
    ...rest,
    entries: entries.map(({ path, hex, target }) => (target === undefined ? { path, content: keep(hex) } : { path, target })),
    fsck: JSON.parse(fsck.stdout),
    text,
    metadataOnly: JSON.parse(metadataOnly.stdout),
    dryRun: { stdout: dryRun.stdout, error: errorOf(dryRun)?.replaceAll(root, '<repo>') },
    gc: { stdout: gc.stdout, error: errorOf(gc)?.replaceAll(root, '<repo>'), left: tree(root, false) },
  };
}

function metadataVectors() {
  return ['sha256', 'sha512'].flatMap((algorithm) =>
    [0, 1, 2].map((format) => {
      const root = join(scratch, `meta-${algorithm}-${format}`);
      run('init', '--insecure', '--algorithm', `fsverity-${algorithm}-12`, '--erofs-version', String(format), root);
      return { algorithm, erofsFormat: format, meta: readFileSync(join(root, 'meta.json'), 'utf8') };
    }),
  );
}

const result = {
  producer: `${run('--version').stdout.trim()}, recorded by make.mjs`,
  metadata: metadataVectors(),
  scenarios: scenarios.map(record),
  contents,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
rmSync(scratch, { recursive: true });
