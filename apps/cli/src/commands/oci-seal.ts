import { defineCommand, printable, UsageError, type Command, type CommandContext } from '@cfskit/cli-kit';
import { readValue, withRepository, withWritableRepository } from '@cfskit/cli-kit/images';
import { ALGORITHMS } from '@cfskit/fs-verity';
import {
  isSealIntact,
  sealImage,
  verifySeal,
  type SealMode,
  type SealOptions,
  type SealReport,
  type SealResult,
  type SealStatement,
} from '@cfskit/oci-import';
import { checkTagName } from '@cfskit/oci-ref';
import type { ErofsFormat } from '@cfskit/repository';
import { concludeCheck } from '../checks.ts';
import { checkImageRef, IMAGE_REF_TEXT } from '../image-ref.ts';

const MODES = ['annotations', 'label', 'artifact'] as const satisfies readonly SealMode[];

export const ociSeal: Command = defineCommand({
  summary: 'State the fs-verity digests of a stored image where those who get it can read them, or verify what is stated',
  details:
    'annotations: in a new manifest; config and layers stay. label: in a new config, as composefs-oci 0.3 did, which a new manifest names. artifact: in an artifact that belongs to the image, which stays what it is. What was stored before is not changed. Nothing is signed.',
  arguments: { image: { name: 'REF', description: IMAGE_REF_TEXT } },
  options: {
    mode: {
      type: 'string',
      value: 'MODE',
      choices: MODES,
      default: 'annotations',
      description: 'Where the digests go: annotations, label or artifact',
      conflicts: ['verify'],
    },
    tag: {
      type: 'string',
      value: 'NAME',
      description: 'Tag of what is made; must be given, except with --mode artifact',
      conflicts: ['verify'],
    },
    'erofs-version': {
      type: 'string',
      value: 'N',
      choices: ['0', '1', '2'],
      multiple: true,
      description: 'Format of the image whose id is stated, may be repeated; 0 only in a label',
      defaultText: "1; in a label the repository's",
      conflicts: ['verify'],
    },
    algorithm: {
      type: 'string',
      value: 'NAME',
      choices: ALGORITHMS,
      multiple: true,
      description: 'Algorithm of the digests, sha256 or sha512; may be repeated in annotations',
      defaultText: "the repository's",
      conflicts: ['verify'],
    },
    verify: { type: 'boolean', description: 'Compute every digest that is stated about the image and compare' },
  },
  examples: [
    ['oci seal demo --tag demo:sealed', 'a second manifest of the same image, with digests'],
    ['oci seal --verify demo:sealed', 'exits 1 when a digest is another one'],
  ],
  exitCodes: [
    { code: '0', meaning: 'done; with --verify: what is stated is true' },
    { code: '1', meaning: 'failed; with --verify: something that is stated is not true, or nothing could be confirmed' },
  ],
  run({ values, args }, context) {
    checkImageRef(args.image);
    if (values.verify) {
      return withRepository(values, context, async (repository) => {
        const report = await verifySeal(repository, args.image, { signal: context.signal });
        await printReport(report, context);
        concludeCheck(isSealIntact(report) ? 0 : Math.max(1, mismatches(report)), { exitZero: false, message: failureText(report) });
      });
    }
    const options = sealOptions(values);
    return withWritableRepository(values, context, async (repository) => {
      const { reporter, signal, log } = context;
      const result = await sealImage(repository, args.image, { ...options, reporter, signal, onWarning: (text) => log.warn(text) });
      await context.print({ json: () => toJson(result), text: () => toText(result) });
    });
  },
});

interface SealValues {
  readonly mode: SealMode;
  readonly tag: string | undefined;
  readonly 'erofs-version': unknown;
  readonly algorithm: NonNullable<SealOptions['algorithms']>;
}

/** @throws {UsageError} for what the mode does not have */
function sealOptions({ mode, tag, algorithm, ...values }: SealValues): SealOptions {
  // The declaration above replaces the global one, which takes one value.
  const formats = (values['erofs-version'] as readonly string[]).map((format) => Number(format) as ErofsFormat);
  if (tag === undefined && mode !== 'artifact') {
    throw new UsageError(`--mode ${mode} needs --tag: a manifest without a name would go with the next gc`);
  }
  if (tag !== undefined) readValue('--tag', () => checkTagName(tag));
  if (mode === 'label' && formats.length > 1) throw new UsageError('--mode label states one image: one --erofs-version');
  if (mode !== 'label' && formats.includes(0)) throw new UsageError(`--mode ${mode} has no name for images of format 0`);
  if (mode !== 'annotations' && algorithm.length > 1) throw new UsageError(`--mode ${mode} states digests of one algorithm`);
  return {
    mode,
    ...(tag !== undefined && { tag }),
    ...(formats.length > 0 && { formats }),
    ...(algorithm.length > 0 && { algorithms: algorithm }),
  };
}

function toText({ manifestDigest, imageId, digests }: SealResult): readonly string[] {
  return [`manifest ${manifestDigest}`, `image    ${imageId}`, `sealed   ${digests.length} digests`];
}

function toJson({ manifestDigest, sourceManifestDigest, mode, digests }: SealResult): unknown {
  return { manifest_digest: manifestDigest, source_manifest_digest: sourceManifestDigest, mode, digests };
}

async function printReport(report: SealReport, context: CommandContext): Promise<void> {
  const rows = report.statements.map(({ status, place, key, wanted, found = '', detail = '' }) =>
    [status, place, key, wanted, found, detail].map(printable),
  );
  await context.print({
    json: () => ({
      manifest_digest: report.manifestDigest,
      ok: isSealIntact(report),
      digests: report.statements.map(statementJson),
    }),
    text: () => context.table({ head: ['STATUS', 'PLACE', 'KEY', 'WANTED', 'FOUND', 'DETAIL'], rows }),
  });
}

function statementJson({ place, key, wanted, found, status, detail }: SealStatement): unknown {
  return { place, key, wanted, ...(found !== undefined && { found }), status, ...(detail !== undefined && { detail }) };
}

function mismatches({ statements }: SealReport): number {
  return statements.filter(({ status }) => status === 'mismatch').length;
}

function failureText(report: SealReport): string {
  const wrong = mismatches(report);
  if (wrong === 0) return `nothing that is stated about ${report.manifestDigest} could be confirmed`;
  return `${wrong} of ${report.statements.length} digests that are stated about ${report.manifestDigest} are not true`;
}
