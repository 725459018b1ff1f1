"""Lets `conf/hydra/launcher/` extend what the launchers' plugins say of themselves, and say where their files go."""

from __future__ import annotations

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from eyechart.core import paths

LAUNCHERS = ("joblib", "ray", "submitit_local", "submitit_slurm")

OmegaConf.register_new_resolver("eyechart.state", lambda: str(paths.state()), replace=True)


class LauncherSettings(SearchPathPlugin):
    """Called when all plugins are known and nothing is composed yet."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Rename the plugins' configurations to `<launcher>_plugin`; Hydra warns where a file has the name of one."""
        known = ConfigStore.instance().repo["hydra"]["launcher"]
        for name in LAUNCHERS:
            if f"{name}.yaml" in known:
                known[f"{name}_plugin.yaml"] = known.pop(f"{name}.yaml")
