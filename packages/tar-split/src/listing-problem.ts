import { TarSplitError } from './errors.ts';
import { typeName, type TarMember } from './member.ts';

/** What a listing says about an entry that can be split but not listed; nothing for all others. Sparse entries: {@link sparseEntry}. */
export function listingProblem(member: TarMember): TarSplitError | undefined {
  if (member.type === 'unknown') {
    return new TarSplitError('UNSUPPORTED_TYPE', member.offset, `Unsupported entry type ${typeName(member.typeflag)}`);
  }
  if ((member.type === 'character-device' || member.type === 'block-device') && member.rdev === undefined) {
    return new TarSplitError('NO_DEVICE_NUMBERS', member.offset, 'Device entry without device numbers?');
  }
  return undefined;
}

export function sparseEntry(offset: number): TarSplitError {
  return new TarSplitError('SPARSE', offset, 'Sparse tar entries are not supported');
}
