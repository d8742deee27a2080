import { isRecord } from '../../../base/json.ts';
import { RegistryFault } from '../../registry/fault.ts';
import { putImage } from '../../registry/put-image.ts';
import type { ImageRecord, RepositoryContent } from '../../registry/repository-content.ts';
import { AwsFault } from '../fault.ts';
import { type JsonInput, objectList, optionalText, requiredText } from '../json-input.ts';
import type { JsonOperation } from '../service.ts';
import { type EcrContext, epochSeconds, openEcrRepository } from './ecr-context.ts';
import { ecrPage } from './paging.ts';

interface ImageId {
  imageTag?: string;
  imageDigest?: string;
}

/** Images: list, describe, read, put, delete. */
export function imageOperations(context: EcrContext): Record<string, JsonOperation> {
  const { account, repositories } = context;

  return {
    ListImages(input, call) {
      const { content } = openEcrRepository(context, call, 'ecr:ListImages', input);
      const status = tagStatus(input);
      const tagged =
        status === 'UNTAGGED' ? [] : [...content.tags()].map(([imageTag, imageDigest]) => ({ imageDigest, imageTag }));
      const { items, nextToken } = ecrPage<ImageId>([...tagged, ...untagged(content, status)], input);
      return { imageIds: items, nextToken };
    },

    DescribeImages(input, call) {
      const { record, content } = openEcrRepository(context, call, 'ecr:DescribeImages', input);
      const ids = imageIds(input);
      const status = tagStatus(input);
      const tags = tagsByDigest(content);
      const images =
        ids === undefined
          ? content.images().filter(({ digest }) => status === undefined || tags.has(digest) === (status === 'TAGGED'))
          : ids.map((id) => findImage(content, id) ?? imageNotFound(record.name, account.id, id));
      const { items, nextToken } = ecrPage(images, input);
      return {
        imageDetails: items.map((image) => ({
          registryId: account.id,
          repositoryName: record.name,
          imageDigest: image.digest,
          imageTags: tags.get(image.digest),
          imageSizeInBytes: image.sizeBytes,
          imagePushedAt: epochSeconds(image.pushedAt),
          imageManifestMediaType: image.mediaType,
          artifactMediaType: image.artifactType,
          imageStatus: 'ACTIVE',
        })),
        nextToken,
      };
    },

    async BatchGetImage(input, call) {
      const { record, content } = openEcrRepository(context, call, 'ecr:BatchGetImage', input);
      const images: object[] = [];
      const failures: object[] = [];
      for (const id of imageIds(input) ?? []) {
        const image = findImage(content, id);
        if (image === undefined) {
          failures.push({ imageId: id, failureCode: 'ImageNotFound', failureReason: 'Requested image not found' });
          continue;
        }
        images.push({
          registryId: account.id,
          repositoryName: record.name,
          imageId: { imageDigest: image.digest, ...(id.imageTag === undefined ? {} : { imageTag: id.imageTag }) },
          imageManifest: (await repositories.blobs.read(image.digest)).toString(),
          imageManifestMediaType: image.mediaType,
        });
      }
      return { images, failures };
    },

    async PutImage(input, call) {
      const { record } = openEcrRepository(context, call, 'ecr:PutImage', input);
      const manifest = requiredText(input, 'imageManifest');
      try {
        const image = await putImage(
          {
            repository: record.name,
            content: Buffer.from(manifest),
            mediaType: optionalText(input, 'imageManifestMediaType'),
            reference: optionalText(input, 'imageTag') ?? optionalText(input, 'imageDigest'),
          },
          context,
        );
        const imageTag = optionalText(input, 'imageTag');
        return {
          image: {
            registryId: account.id,
            repositoryName: record.name,
            imageId: { imageDigest: image.digest, imageTag },
            imageManifest: manifest,
            imageManifestMediaType: image.mediaType,
          },
        };
      } catch (error) {
        if (error instanceof RegistryFault) throw new AwsFault(apiCode(error), error.message);
        throw error;
      }
    },

    BatchDeleteImage(input, call) {
      const { record, content } = openEcrRepository(context, call, 'ecr:BatchDeleteImage', input);
      const deleted: ImageId[] = [];
      const failures: object[] = [];
      for (const id of imageIds(input) ?? []) {
        const image = findImage(content, id);
        if (image === undefined) {
          failures.push({ imageId: id, failureCode: 'ImageNotFound', failureReason: 'Requested image not found' });
          continue;
        }
        const tags = deleteById(content, image.digest, id);
        for (const tag of tags.length === 0 ? [undefined] : tags) {
          deleted.push({ imageDigest: image.digest, ...(tag === undefined ? {} : { imageTag: tag }) });
          const { mediaType, artifactType, digest } = image;
          repositories.announce({ action: 'DELETE', repository: record.name, digest, tag, mediaType, artifactType });
        }
      }
      return { imageIds: deleted, failures };
    },
  };
}

function imageIds(input: JsonInput): ImageId[] | undefined {
  return objectList(input, 'imageIds')?.map(({ imageTag, imageDigest }) => ({
    ...(typeof imageTag === 'string' ? { imageTag } : {}),
    ...(typeof imageDigest === 'string' ? { imageDigest } : {}),
  }));
}

/** The image of an id; with both tag and digest they must be of one image. */
function findImage(content: RepositoryContent, { imageTag, imageDigest }: ImageId): ImageRecord | undefined {
  const image = content.find(imageDigest ?? imageTag ?? '');
  const agrees = imageTag === undefined || imageDigest === undefined || content.find(imageTag)?.digest === imageDigest;
  return agrees ? image : undefined;
}

/** Deletes what an id names and returns the tags that went: all of a digest's, or one, which as the last takes its image along. */
function deleteById(content: RepositoryContent, digest: string, { imageTag, imageDigest }: ImageId): string[] {
  const tags = imageDigest === undefined && imageTag !== undefined ? [imageTag] : content.tagsOf(digest);
  for (const tag of tags) content.deleteTag(tag);
  if (content.tagsOf(digest).length === 0) content.deleteImage(digest);
  return tags;
}

function imageNotFound(repository: string, registryId: string, id: ImageId): never {
  const shown = `{imageDigest:'${id.imageDigest ?? 'null'}', imageTag:'${id.imageTag ?? 'null'}'}`;
  throw new AwsFault(
    'ImageNotFoundException',
    `The image with imageId ${shown} does not exist within the repository with name '${repository}' in the registry with id '${registryId}'`,
  );
}

function tagStatus(input: JsonInput): string | undefined {
  const { filter } = input;
  return isRecord(filter) && typeof filter['tagStatus'] === 'string' && filter['tagStatus'] !== 'ANY'
    ? filter['tagStatus']
    : undefined;
}

function untagged(content: RepositoryContent, status: string | undefined): ImageId[] {
  if (status === 'TAGGED') return [];
  const tags = tagsByDigest(content);
  return content.images().flatMap(({ digest }) => (tags.has(digest) ? [] : [{ imageDigest: digest }]));
}

function tagsByDigest(content: RepositoryContent): Map<string, string[]> {
  const tags = new Map<string, string[]>();
  for (const [tag, digest] of content.tags()) {
    const present = tags.get(digest);
    if (present === undefined) tags.set(digest, [tag]);
    else present.push(tag);
  }
  return tags;
}

function apiCode({ code }: RegistryFault): string {
  if (code === 'TAG_INVALID') return 'ImageTagAlreadyExistsException';
  if (code === 'MANIFEST_BLOB_UNKNOWN') return 'LayersNotFoundException';
  if (code === 'DIGEST_INVALID') return 'ImageDigestDoesNotMatchException';
  return 'InvalidParameterException';
}
