import { chmodSync } from 'node:fs';
import { expect, it } from 'vitest';
import { syncDirectory } from '../src/index.ts';
import { useDirectory } from './means.ts';

const directory = useDirectory();

it('syncs what it can, and says what is not there', async () => {
  await expect(syncDirectory(directory())).resolves.toBeUndefined();
  chmodSync(directory(), 0o300); // not to be opened, but by root
  await expect(syncDirectory(directory())).resolves.toBeUndefined();
  chmodSync(directory(), 0o700);
  await expect(syncDirectory(`${directory()}/none`)).rejects.toMatchObject({ code: 'ENOENT' });
});
