import { defineProject } from 'vitest/config';

export default defineProject({
  ssr: { resolve: { conditions: ['source'] } },
  // Every test starts processes, which takes its time on a machine that is busy, and waits for them meanwhile: two files at once, whatever the number of CPUs.
  test: { include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000, maxWorkers: 2 },
});
