"""Small disk images in the format qcow2, version 3: real ones, which `qemu-img check` finds clean."""

import random
import struct

CLUSTER = 1 << 16
# In the table that maps the disk: this cluster of the file has no other user.
ONLY_USER = 1 << 63


def image(seed, virtual_size=3 << 30, data_clusters=8):
    """The bytes of an image of `virtual_size` whose content depends on `seed` alone.

    Clusters of the file, in order: header, table of reference counts, its one block,
    first-level map, second-level map, data.
    """
    covered_by_map = CLUSTER // 8 * CLUSTER
    entries = -(-virtual_size // covered_by_map)
    first_data = 5
    used = first_data + data_clusters
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        b"QFI\xfb", 3, 0, 0, 16, virtual_size, 0,
        entries, 3 * CLUSTER,   # first-level map
        1 * CLUSTER, 1,         # reference counts
        0, 0,                   # no snapshots
        0, 0, 0,                # no features that a reader must know
        4, 104,                 # counts of 16 bits; length of this header
    )
    counts = struct.pack(">H", 1) * used
    second_level = b"".join(
        struct.pack(">Q", (first_data + number) * CLUSTER | ONLY_USER) for number in range(data_clusters)
    )
    clusters = [
        header,
        struct.pack(">Q", 2 * CLUSTER),
        counts,
        struct.pack(">Q", 4 * CLUSTER | ONLY_USER),
        second_level,
    ]
    content = random.Random(seed)
    return b"".join(cluster.ljust(CLUSTER, b"\0") for cluster in clusters) + content.randbytes(data_clusters * CLUSTER)
