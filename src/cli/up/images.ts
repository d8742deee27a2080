import {
  CreateRepositoryCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  ListImagesCommand,
} from '@aws-sdk/client-ecr';
import { pushSmallImage } from '../../sandbox/registry/push-image.ts';
import type { SandboxAccess } from '../../sandbox/sandbox-access.ts';

/** The repository of a sandbox as its administrator sees it, through ECR's API and the registry's. */
export class ImageStore {
  readonly #ecr: ECRClient;
  readonly #access: SandboxAccess;
  readonly #repository: string;

  constructor(access: SandboxAccess, repository: string) {
    const { url, account, accessKeyId, secretAccessKey } = access.aws;
    this.#ecr = new ECRClient({ endpoint: url, region: account.region, credentials: { accessKeyId, secretAccessKey } });
    this.#access = access;
    this.#repository = repository;
  }

  async tags(signal: AbortSignal): Promise<string[]> {
    const answer = await this.#ecr.send(new ListImagesCommand({ repositoryName: this.#repository }), {
      abortSignal: signal,
    });
    return (answer.imageIds ?? []).flatMap(({ imageTag }) => imageTag ?? []);
  }

  /** Makes the repository unless it is there. */
  async ensureRepository(signal: AbortSignal): Promise<void> {
    try {
      await this.#ecr.send(new CreateRepositoryCommand({ repositoryName: this.#repository }), { abortSignal: signal });
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'RepositoryAlreadyExistsException') throw error;
    }
  }

  /** Builds and pushes a small image; returns its digest. */
  async push(tag: string, signal: AbortSignal): Promise<string> {
    const { authorizationData } = await this.#ecr.send(new GetAuthorizationTokenCommand({}), { abortSignal: signal });
    const token = Buffer.from(authorizationData?.[0]?.authorizationToken ?? '', 'base64').toString('utf8');
    const target = {
      endpoint: this.#access.registry.url,
      username: 'AWS',
      password: token.slice(token.indexOf(':') + 1),
    };
    return pushSmallImage({ repository: this.#repository, tag, createdAt: Date.now() }, target, signal);
  }

  close(): void {
    this.#ecr.destroy();
  }
}
