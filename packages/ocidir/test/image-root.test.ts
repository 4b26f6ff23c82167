import { image, imageIndex } from '@cfskit/fixtures';
import { mediaTypes, parsePlatform } from '@cfskit/oci-spec';
import { describe, expect, it } from 'vitest';
import { chain, failure, withLayout } from './layouts.ts';

const AMD64 = parsePlatform('linux/amd64');
const one = image({ platform: AMD64 });
const other = image({ platform: parsePlatform('linux/arm64') });
const index = imageIndex([{ image: one, platform: AMD64 }]);

describe('what a tag names before a platform is chosen', () => {
  it('is a manifest or an index', async () => {
    await withLayout(
      [
        { image: one, tag: 'one' },
        { image: index, tag: 'all' },
      ],
      async (layout) => {
        expect(await layout.resolveRoot({ tag: 'one' })).toMatchObject({ descriptor: { digest: one.descriptor.digest }, raw: one.bytes });
        const { descriptor, raw } = await layout.resolveRoot({ tag: 'all' });
        expect({ mediaType: descriptor.mediaType, raw }).toEqual({ mediaType: mediaTypes.index, raw: index.bytes });
      },
    );
  });

  it('is the only entry where no tag is given, also if it stands there twice', async () => {
    await withLayout(
      [
        { image: one, tag: 'a' },
        { image: one, tag: 'b' },
      ],
      async (layout) => {
        expect((await layout.resolveRoot()).raw).toEqual(one.bytes);
      },
    );
  });

  it('is unclear among several', async () => {
    await withLayout(
      [
        { image: one, tag: 'a' },
        { image: other, tag: 'a' },
        { image: index, tag: 'b' },
      ],
      async (layout) => {
        const error = await failure(layout.resolveRoot());
        expect(error).toMatchObject({ name: 'OciDirError', code: 'AMBIGUOUS' });
        expect(chain(error)).toContain('available: a, b');
        expect(await failure(layout.resolveRoot({ tag: 'a' }))).toMatchObject({ code: 'AMBIGUOUS' });
      },
    );
  });

  it('is nothing for an unknown tag, and in an empty layout', async () => {
    await withLayout([], async (layout) => {
      expect(await failure(layout.resolveRoot())).toMatchObject({ code: 'EMPTY_INDEX' });
      expect(await failure(layout.resolveRoot({ tag: 'x' }))).toMatchObject({ code: 'TAG_NOT_FOUND' });
    });
  });
});
