import { expect, it } from 'vitest';

it('exports these names', async () => {
  expect(Object.keys(await import('../../src/images/index.ts')).toSorted()).toMatchInlineSnapshot(`
    [
      "PULL_DETAILS",
      "accessOptions",
      "givenCredentials",
      "lockOptions",
      "openOptions",
      "platformOption",
      "proxyOptions",
      "pullImage",
      "pullOptions",
      "readPassword",
      "readPlatform",
      "readPull",
      "readValue",
      "repositoryAlgorithm",
      "repositoryLocation",
      "seedOptions",
      "transportOptions",
      "withProxySource",
      "withRepository",
      "withRepositoryIfAny",
      "withWritableRepository",
    ]
  `);
});
