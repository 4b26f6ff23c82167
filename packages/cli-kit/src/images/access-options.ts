/** `--platform`, where one image is wanted. */
export const platformOption = {
  platform: { type: 'string', value: 'OS/ARCH[/VARIANT]', description: 'Which platform of the image', defaultText: "this machine's" },
} as const;

const authfile = {
  type: 'string',
  value: 'FILE',
  description: 'Credential file that is asked before all others',
  defaultText: "those of containers' tools and Docker",
} as const;
const tlsVerify = {
  type: 'string',
  value: 'BOOL',
  choices: ['true', 'false'],
  default: 'true',
  implied: 'true',
  description: 'With =false accept any certificate, and plain HTTP where nobody speaks TLS',
} as const;
const certDir = {
  type: 'string',
  value: 'DIR',
  description: 'Directory with *.crt of authorities, and *.cert and *.key of our own, besides those of the system',
} as const;
const creds = {
  type: 'string',
  value: 'USER[:PASSWORD]',
  description: 'Credentials for the registry in the reference, and for no other',
} as const;
const passwordStdin = { type: 'boolean', description: 'Take the password for --creds from standard input' } as const;
const noCreds = {
  type: 'boolean',
  description: 'Use no credentials, whatever the files hold',
  conflicts: ['authfile', 'creds', 'password-stdin'],
} as const;
const registryMirror = {
  type: 'string',
  value: 'URL',
  multiple: true,
  description: 'Asked before the registry itself, without its credentials: HOST[:PORT][/PREFIX]; may be repeated',
} as const;

type TransportOptions = {
  readonly authfile: typeof authfile;
  readonly 'tls-verify': typeof tlsVerify;
  readonly 'cert-dir': typeof certDir;
};

type AccessOptions = TransportOptions & {
  readonly creds: typeof creds;
  readonly 'password-stdin': typeof passwordStdin;
  readonly 'no-creds': typeof noCreds;
  readonly 'registry-mirror': typeof registryMirror;
};

/** How a registry is spoken to: certificates, plain HTTP, and which credential file counts. */
export const transportOptions: TransportOptions = { authfile, 'tls-verify': tlsVerify, 'cert-dir': certDir };

/** How a registry is read from, and with whose credentials. */
export const accessOptions: AccessOptions = {
  authfile,
  creds,
  'password-stdin': passwordStdin,
  'no-creds': noCreds,
  'tls-verify': tlsVerify,
  'cert-dir': certDir,
  'registry-mirror': registryMirror,
};

/** What is asked before the network. */
export const seedOptions = {
  seed: {
    type: 'string',
    value: 'FILE',
    multiple: true,
    description: 'Archive, layout or directory with images, asked before the network; may be repeated',
  },
  offline: { type: 'boolean', description: 'Never ask the network: what is in none of the seeds is an error' },
} as const;

/** Whether layers are fetched that are not with their image. */
export const foreignOption = {
  'foreign-layers': { type: 'boolean', description: 'Fetch layers that are kept elsewhere from the addresses in their descriptors' },
} as const;
