/** The label of a config that states the id of its EROFS image, as composefs-oci 0.3 wrote it. */
export const SEAL_LABEL = 'containers.composefs.fsverity';
