import { RegistryClient, type HttpRequest, type HttpResponse } from '@cfskit/registry';

/** What a server of another host answers. */
export interface Answer {
  readonly status?: number;
  readonly location?: string;
  readonly body?: Uint8Array;
}

/** A client whose network are these answers, by host; it notes what it was asked. */
export function fakeClient(asked: string[], answers: Readonly<Record<string, Answer>>): RegistryClient {
  const send = ({ url, headers }: HttpRequest): Promise<HttpResponse> => {
    asked.push(`${url.href} ${headers['authorization']}`);
    const { status = 200, location, body = new Uint8Array() } = answers[url.hostname] ?? { status: 404 };
    return Promise.resolve({ status, headers: { location }, body: once(body), discard: () => undefined });
  };
  return new RegistryClient({
    transport: { send, close: () => Promise.resolve() },
    credentials: () => Promise.resolve({ username: 'me', password: 'secret' }),
    retry: { attempts: 1 },
  });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield await Promise.resolve(bytes);
}
