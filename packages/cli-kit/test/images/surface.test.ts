import { expect, it } from 'vitest';

it('exports these names', async () => {
  expect(Object.keys(await import('../../src/images/index.ts')).toSorted()).toMatchInlineSnapshot(`
    [
      "PULL_DETAILS",
      "accessOptions",
      "fetchOptions",
      "foreignOption",
      "givenCredentials",
      "localFetchOptions",
      "lockOptions",
      "openOptions",
      "platformOption",
      "proxyOptions",
      "pullFromStorage",
      "pullImage",
      "pullOptions",
      "pullWay",
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
