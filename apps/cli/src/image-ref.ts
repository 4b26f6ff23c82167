/** How the help describes the name of a stored image. */
export const IMAGE_REF_TEXT: string =
  'Stored image: a tag, or the digest of its manifest or config, with or without @, or the first 12 hex digits or more of one';
