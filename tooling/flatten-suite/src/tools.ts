import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { observe } from './observe.ts';
import { TAG } from './case-layout.ts';

/** What a tool made of a layout: a dump, or the last words of its error. */
export type ToolAnswer = { readonly dump: string } | { readonly error: string };

/** A program that unpacks an image of an OCI layout. */
export interface Tool {
  readonly name: string;
  /** Program that has to be on PATH. */
  readonly program: string;
  /** Commands to run one after the other. `workspace` is an empty directory. */
  readonly commands: (layout: string, workspace: string) => readonly (readonly string[])[];
  /** Where the tree is then. */
  readonly tree: (workspace: string) => string;
}

const STORAGE = (workspace: string): string[] => [
  '--root',
  join(workspace, 'root'),
  '--runroot',
  join(workspace, 'run'),
  '--storage-driver',
  'vfs',
];

/** Tools with an adapter of their own. They have to be run as root, since ordinary users cannot give files away. */
const TOOLS: readonly Tool[] = [
  {
    name: 'umoci',
    program: 'umoci',
    commands: (layout, workspace) => [['umoci', 'unpack', '--image', `${layout}:${TAG}`, join(workspace, 'bundle')]],
    tree: (workspace) => join(workspace, 'bundle/rootfs'),
  },
  {
    name: 'buildah',
    program: 'buildah',
    commands: (layout, workspace) => [
      ['buildah', ...STORAGE(workspace), 'from', '--name', 'box', `oci:${layout}:${TAG}`],
      ['sh', '-c', `ln -s "$(buildah ${STORAGE(workspace).join(' ')} mount box)" ${join(workspace, 'tree')}`],
    ],
    tree: (workspace) => join(workspace, 'tree'),
  },
  {
    // The same library as in buildah, by another door; the newest layer of the store holds the whole tree.
    name: 'skopeo',
    program: 'skopeo',
    commands: (layout, workspace) => [['skopeo', '--insecure-policy', 'copy', '-q', `oci:${layout}:${TAG}`, storageReference(workspace)]],
    tree: newestLayer,
  },
];

/** A tool by name; or one made of a command line with `{layout}`, `{tag}` and `{out}` in it, which makes the directory `{out}`. */
export function findTool(text: string): Tool {
  const known = TOOLS.find(({ name }) => name === text);
  if (known !== undefined) return known;
  const words = text.split(' ').filter((word) => word !== '');
  return {
    name: words[0] ?? text,
    program: words[0] ?? text,
    commands: (layout, workspace) => [words.map((word) => fillIn(word, { layout, tag: TAG, out: join(workspace, 'out') }))],
    tree: (workspace) => join(workspace, 'out'),
  };
}

function storageReference(workspace: string): string {
  return `containers-storage:[vfs@${join(workspace, 'root')}+${join(workspace, 'run')}]box:${TAG}`;
}

/** In a store of the driver vfs, each layer's directory holds the whole tree up to it. */
function newestLayer(workspace: string): string {
  const layers = JSON.parse(readFileSync(join(workspace, 'root/vfs-layers/layers.json'), 'utf8')) as readonly { readonly id: string }[];
  return join(workspace, 'root/vfs/dir', layers.at(-1)?.id ?? '');
}

/** Whether the tool can be run here. */
export function hasProgram(program: string): boolean {
  if (program.includes('/')) return existsSync(program);
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => existsSync(join(directory, program)));
}

/** What a tool makes of a layout. */
export function ask(tool: Tool, layout: string, workspace: string): ToolAnswer {
  mkdirSync(workspace, { recursive: true });
  for (const [program = '', ...args] of tool.commands(layout, workspace)) {
    const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
    if (error !== undefined) throw error;
    if (status !== 0) return { error: lastLine(stderr) };
  }
  return { dump: observe(tool.tree(workspace)) };
}

function fillIn(word: string, values: Readonly<Record<string, string>>): string {
  return word.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
