"""A driver of Cinder whose volumes and snapshots are sparse files: Cinder's own want a volume group, a mount or a storage system.

Everything that a client sees is Cinder's: states, checks of images, their metadata on volumes, snapshots, quotas.
"""

import subprocess
from pathlib import Path

from cinder.image import image_utils
from cinder.volume import driver, volume_utils
from oslo_config import cfg

GIB = 1 << 30


class FileVolumes(driver.VolumeDriver):
    VERSION = "1.0"

    @staticmethod
    def file(volume_or_snapshot):
        return Path(cfg.CONF.state_path, "volumes", volume_or_snapshot.name)

    def check_for_setup_error(self):
        Path(cfg.CONF.state_path, "volumes").mkdir(parents=True, exist_ok=True)

    def _update_volume_stats(self):
        self._stats = {
            "volume_backend_name": "files", "vendor_name": "reglaze", "driver_version": self.VERSION,
            "storage_protocol": "file", "total_capacity_gb": "infinite", "free_capacity_gb": "infinite",
            "reserved_percentage": 0,
        }

    # Volumes

    def create_volume(self, volume):
        with self.file(volume).open("wb") as file:
            file.truncate(volume.size * GIB)

    def extend_volume(self, volume, new_size):
        with self.file(volume).open("r+b") as file:
            file.truncate(new_size * GIB)

    def delete_volume(self, volume):
        self.file(volume).unlink(missing_ok=True)

    def copy(self, source, volume):
        subprocess.run(["cp", "--sparse=always", self.file(source), self.file(volume)], check=True)

    def create_cloned_volume(self, volume, src_vref):
        self.copy(src_vref, volume)
        self.extend_volume(volume, volume.size)

    # Snapshots

    def create_snapshot(self, snapshot):
        self.copy(snapshot.volume, snapshot)

    def delete_snapshot(self, snapshot):
        self.file(snapshot).unlink(missing_ok=True)

    def create_volume_from_snapshot(self, volume, snapshot):
        self.copy(snapshot, volume)
        self.extend_volume(volume, volume.size)

    # Images

    def copy_image_to_volume(self, context, volume, image_service, image_id, disable_sparse=False):
        image_utils.fetch_to_raw(
            context, image_service, image_id, str(self.file(volume)), self.configuration.volume_dd_blocksize,
            size=volume.size, run_as_root=False)
        self.extend_volume(volume, volume.size)

    def copy_volume_to_image(self, context, volume, image_service, image_meta):
        volume_utils.upload_volume(
            context, image_service, image_meta, str(self.file(volume)), volume, run_as_root=False)

    # Servers

    def initialize_connection(self, volume, connector, **_):
        return {"driver_volume_type": "local", "data": {"device_path": str(self.file(volume))}}

    def terminate_connection(self, volume, connector, **_):
        pass

    def ensure_export(self, context, volume):
        pass

    def create_export(self, context, volume, connector):
        pass

    def remove_export(self, context, volume):
        pass
