import type { DecodeErrorCode } from '@cfskit/binary';
import type { CliErrorCode } from '@cfskit/cli-kit';
import type { CompressionErrorCode } from '@cfskit/compression';
import type { FsVerityErrorCode } from '@cfskit/fs-verity';
import type { ErrnoName, LinuxErrorCode } from '@cfskit/linux';
import type { OciDirErrorCode } from '@cfskit/ocidir';
import type { OciImportErrorCode } from '@cfskit/oci-import';
import type { OciRefErrorCode } from '@cfskit/oci-ref';
import type { OciSpecErrorCode, VerifyErrorCode } from '@cfskit/oci-spec';
import type { RepositoryErrorCode } from '@cfskit/repository';
import type { SplitstreamErrorCode } from '@cfskit/splitstream';
import type { TarSplitErrorCode } from '@cfskit/tar-split';

/** Every code that can stand in the JSON form of an error. The compiler holds this list to the packages below. */
export type ErrorCode =
  | 'SYSTEM'
  | 'INTERNAL'
  | Exclude<CliErrorCode, 'OUTPUT_CLOSED'>
  | CompressionErrorCode
  | DecodeErrorCode
  | Exclude<LinuxErrorCode, ErrnoName>
  | FsVerityErrorCode
  | OciDirErrorCode
  | OciImportErrorCode
  | OciRefErrorCode
  | OciSpecErrorCode
  | RepositoryErrorCode
  | SplitstreamErrorCode
  | TarSplitErrorCode
  | VerifyErrorCode;

/** What each code means, for the documentation. */
export const errorCodes: Readonly<Record<ErrorCode, string>> = {
  ALGORITHM_MISMATCH: 'The repository, or a stream in it, is of another fs-verity algorithm than expected',
  AMBIGUOUS: 'A digest was cut too short, or a source has several images and nothing says which; `detail.candidates` lists some',
  AMBIGUOUS_DOCUMENT: 'A document could be read as a manifest and as an index',
  ARCHIVE_LIMIT: 'An archive has more entries than are read',
  BACKEND_FAILED: 'A decompression library gave up for a reason of its own',
  BACKEND_UNAVAILABLE: 'The decoder or encoder that is needed is not on this machine',
  BAD_CHECKSUM: 'Compressed data decodes, but not to what its checksum says',
  BAD_INFO: 'The information section of a splitstream is malformed',
  BAD_MAGIC: 'Data is not of the format it should have',
  BAD_NAMED_REFS: 'The named references of a splitstream are malformed',
  BAD_OBJECT_REFS: 'The object references of a splitstream are malformed',
  BAD_REFERENCE: 'A splitstream refers to an object that is not in its list',
  BAD_STREAM_REFS: 'The stream references of a splitstream are malformed',
  BLOB_NOT_FOUND: 'The source has no blob for a digest',
  CHECKSUM_MISMATCH: 'A header of a tar has a wrong checksum',
  CLOSED: 'The repository had been closed',
  CONFIG_FAILED: 'The config of an image could not be read or stored; the cause says why',
  CONFLICTING_CONFIGURATION: 'A repository is there and has another configuration',
  CONTENT_TYPE_MISMATCH: 'A stream is of another kind than expected',
  CORRUPT: 'Compressed data breaks the rules of its format',
  CORRUPT_OBJECT: 'An object is not what its id says',
  CORRUPT_STREAM: 'A stream of the repository is damaged',
  DANGLING_REF: 'A reference leads to nothing',
  DIFF_ID_MISMATCH: 'The uncompressed bytes of a layer do not hash to its diff_id',
  DIGEST_MISMATCH: 'Content does not hash to its digest',
  DUPLICATE_KEY: 'A JSON document has a key twice',
  DUPLICATE_METADATA: 'A tar has the same metadata twice for one entry',
  EMPTY_INDEX: 'An image index has no manifests',
  EMPTY_NAME: 'A reference has no name',
  EMPTY_PATH: 'An entry of a tar has no path',
  EXISTS: 'What is to be written is there already, and is of another kind',
  FOREIGN_LAYER: 'A layer is kept elsewhere, and is not in the source',
  HELPER_FAILED: 'A program that stands in for a system call failed',
  INCOMPLETE_READ: 'A section of a splitstream reaches beyond its file',
  INLINE_TOO_LARGE: 'A splitstream has an inline run that is too long',
  INTEGRITY: 'A stored image or layer does not hash to its digest',
  INTERNAL: 'Something unforeseen: a bug of ours',
  INTERRUPTED: 'A signal ended the program',
  INVALID_ARCHIVE: 'An archive is malformed',
  INVALID_BLOCK_SIZE: 'An algorithm name has no block size',
  INVALID_DIFF_ID: 'A diff_id of an image config is no digest',
  INVALID_DIGEST: 'A text is no digest',
  INVALID_FIELD: 'A field of a JSON document or of a tar header is missing or malformed',
  INVALID_HEX_CHARACTER: 'An object id has a character that is no hex digit',
  INVALID_HOST: 'The host of an image name is malformed',
  INVALID_IMAGE: 'An EROFS image cannot be read',
  INVALID_INDEX: 'The index of a layout is malformed',
  INVALID_JSON: 'A document is no JSON',
  INVALID_LINK: 'A link of the repository does not lead where such links lead',
  INVALID_METADATA: 'meta.json cannot be read',
  INVALID_NAME: 'A name breaks its rules',
  INVALID_OBJECT_NAME: 'A file among the objects has no object id as its name',
  INVALID_PAX: 'A PAX record of a tar is malformed',
  INVALID_PAX_VALUE: 'A value in a PAX record of a tar is malformed',
  INVALID_PLATFORM: 'A text is no platform',
  INVALID_PORT: 'The port of an image name is malformed',
  INVALID_SIZE: 'A size in a tar header is malformed or too large',
  INVALID_STREAM: 'A stream of the repository cannot be read',
  INVALID_STRING_LENGTH: 'An object id has the wrong number of digits',
  INVALID_TAG: 'A tag breaks its rules',
  INVALID_UTF8: 'A document is not UTF-8',
  LAYER_COUNT: 'Manifest and config disagree on the number of layers',
  LAYER_FAILED: 'A layer could not be imported; the cause says why, `detail.layer` says which',
  LAYOUT_VERSION: 'The layout is of an unknown version',
  LIMIT: 'A tar is beyond a limit',
  LOCK_TIMEOUT: 'Somebody else kept the repository locked for too long',
  MANIFEST_FAILED: 'A manifest could not be read or stored; the cause says why',
  METADATA_LIMIT: 'A tar has too much metadata for one entry',
  METADATA_MISSING: 'The directory is no repository: meta.json is missing',
  MISMATCH: 'Data is not what it should be',
  MISSING_COLON: 'A reference has no transport',
  MISSING_LAYER_REF: 'A stored image refers to no stream for one of its layers',
  MISSING_PREFIX: 'An algorithm name does not begin as it should',
  MISSING_SEPARATOR: 'An algorithm name has no separator',
  MISSING_SLASHES: 'A docker reference has no // behind its colon',
  NAME_EXISTS: 'A tag exists and was not to be moved',
  NEGATIVE_RANGE: 'A section of a splitstream ends before it begins',
  NESTED_INDEX: 'Image indexes are nested too deeply',
  NOT_A_BLOB: 'A layer is a tar and was asked for as a blob',
  NOT_A_FILE: 'Something else is where the layout should have a file',
  NOT_A_LAYOUT: 'The directory is no OCI layout',
  NOT_FOUND: 'There is nothing of this name; `detail.candidates` lists near names',
  NO_DEVICE_NUMBERS: 'A device in a tar has no numbers',
  NO_IMAGE_READER: 'EROFS images are in use and cannot be read, so nothing can be collected',
  NO_INDEX: 'The layout has no index.json',
  NO_MATCH: 'The source has no image for the platform',
  NO_OBJECTS: 'A repository without meta.json has no objects to tell its algorithm',
  ODD_LENGTH: 'An object id has an odd number of digits',
  OLD_FORMAT: 'The repository has no meta.json and was not to be upgraded',
  ORPHANED_METADATA: 'A tar ends with metadata for an entry that never comes',
  OUTPUT_LIMIT: 'Compressed data decodes to more than the limit',
  OUTSIDE_LAYOUT: 'A link in the layout leads out of it',
  OUT_OF_RANGE: 'A number in a file is out of range',
  OVERSIZED_SECTION: 'A section of a splitstream is too large',
  PROBLEMS_FOUND: 'A check found something; the result says what',
  RATIO_LIMIT: 'Compressed data decodes to too many times its size',
  READ_ONLY: 'The repository cannot be written',
  RESERVED_TAG: 'A tag would be taken for a digest',
  RESOLVE_FAILED: 'The source could not choose a manifest; the cause says why',
  SHORT_INLINE: 'A stored tar ends inside an entry',
  SIZE_MISMATCH: 'Content has another size than its name promised',
  SPARSE: 'Sparse files in tars are not supported',
  STREAM_TOO_LONG: 'A splitstream stands for more bytes than it says',
  SYSTEM: 'The operating system refused something; `detail.errno` has its name for it',
  TAG_NOT_FOUND: 'The source has no image of this tag',
  TOO_DEEP: 'A JSON document is nested too deeply',
  TOO_LARGE: 'A file is larger than such files may be',
  TRAILING_DATA: 'Something follows the end of compressed data',
  TRUNCATED: 'Data ends too early',
  TRUNCATED_ARCHIVE: 'An archive ends too early',
  TRUNCATED_HEADER: 'A splitstream ends in its header',
  UNEXPECTED_EOF: 'A splitstream ends too early',
  UNEXPECTED_EXTERNAL: 'A splitstream has an object where there can be none',
  UNEXPECTED_FILE_TYPE: 'Something else is where the repository should have a file, link or directory',
  UNEXPECTED_MANIFEST: 'The manifest has another digest than --expect-manifest says',
  UNEXPECTED_MEDIA_TYPE: 'Something in the source is of a media type that cannot be used there',
  UNKNOWN_ALGORITHM: 'A digest or fs-verity algorithm is not known',
  UNKNOWN_FEATURES: 'The repository needs features that this program does not know',
  UNKNOWN_HASH: 'An algorithm name has an unknown hash',
  UNKNOWN_TRANSPORT: 'A reference has an unknown transport',
  UNLOCKED: 'This system cannot lock the repository',
  UNSUPPORTED: 'Something cannot be done here',
  UNSUPPORTED_BLOCK_SIZE: 'An fs-verity block size is not supported',
  UNSUPPORTED_DIGEST: 'The layout cannot have blobs of this digest algorithm',
  UNSUPPORTED_ENTRY: 'A file in an archive cannot be read in place',
  UNSUPPORTED_GENERATION: 'A splitstream is of a generation that is no longer read',
  UNSUPPORTED_LAYER: 'A layer is of a media type that an image cannot have',
  UNSUPPORTED_TYPE: 'A tar has an entry of an unknown type',
  UNSUPPORTED_VERSION: 'The repository or a splitstream is of a newer version',
  USAGE: 'The command line was wrong; nothing was touched',
  VERITY_MISSING: 'An object has no fs-verity and the repository demands it',
  VERITY_REQUIRED: 'The repository does not enforce fs-verity',
  VERITY_UNSUPPORTED: 'The file system has no fs-verity',
  WRONG_ALGORITHM: 'An object id is of another algorithm',
  WRONG_PLACEMENT: 'A stored tar has a file where it cannot be',
  ZERO_COPY_IMPOSSIBLE: 'A file could be neither cloned nor linked',
};
