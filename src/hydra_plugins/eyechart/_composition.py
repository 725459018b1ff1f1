"""How the jobs of a sweep are composed: as their launcher composes them, wherever it runs them."""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.utils import env_override
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

if TYPE_CHECKING:
    from eyechart.config import Config


class Composition:
    """Composes jobs.

    Args:
        loader: Hydra's.
        config: the sweep's, as Hydra composed it.
    """

    def __init__(self, loader: ConfigLoaderImpl, config: DictConfig) -> None:
        self._loader, self._config = loader, config
        self._parser = OverridesParser.create(config_loader=loader)
        # the groups, those of a typed hydra.searchpath too
        typed = OmegaConf.to_container(config.hydra.overrides.hydra, resolve=False)
        assert isinstance(typed, list)
        _, self._groups = loader._parse_overrides_and_create_caching_repo(config.hydra.job.config_name, typed)
        self._parsed: dict[str, Override] = {}
        self._composed: dict[tuple[str, ...], tuple[DictConfig, DictConfig]] = {}

    def parse(self, words: Sequence[str]) -> list[Override]:
        """What the words mean. Raises HydraException for one that means nothing."""
        for word in words:
            if word not in self._parsed:
                (self._parsed[word],) = self._parser.parse_overrides([word])
        return [self._parsed[word] for word in words]

    def is_option(self, override: Override) -> bool:
        """Whether an override chooses an option of a group, rather than giving a key its value."""
        return not isinstance(override.value(), dict) and bool(self._groups.group_exists(override.key_or_group))

    def configure(self, words: Sequence[str], number: int) -> Config:
        """The checked configuration of a job.

        Args:
            words: its overrides.
            number: its place in the sweep.
        """
        from eyechart.config import check
        from eyechart.core.cli import resolve

        config = self.compose(words)
        with self._as_a_job(words, number):
            OmegaConf.copy_cache(from_config=self._config, to_config=config)
            resolve(config)
            OmegaConf.copy_cache(from_config=config, to_config=self._config)  # one `${now:...}` for all jobs
            return check(config)

    def compose(self, words: Sequence[str]) -> DictConfig:
        """The configuration of a job, without Hydra's own part of it.

        To compose one takes a fifth of a second, so jobs that choose the same options share a composition, into a copy
        of which the values are put in the order of the words, by Hydra's own means.
        """
        _, config = self._of_options(words)
        return self._with_values(config, words)

    def brings(self, words: Sequence[str]) -> dict[str, Any]:
        """The values to sweep over that options bring, by key.

        Raises:
            ConfigError: they ask for a sweeper or a launcher of their own.
        """
        from eyechart.core.errors import ConfigError

        hydra = self._of_options(words)[0].hydra
        for part in ("sweeper", "launcher"):
            own, shared = (OmegaConf.to_container(node[part]) for node in (hydra, self._config.hydra))
            assert isinstance(own, dict)
            assert isinstance(shared, dict)
            if own | {"params": None} != shared | {"params": None}:
                raise ConfigError(
                    f"{' '.join(words)} sets hydra.{part}, and a sweep has one for all its runs: "
                    f"expected options that leave it as it is; type a command for each, or set it yourself"
                )
        return plain(hydra.sweeper.get("params") or {})

    def _of_options(self, words: Sequence[str]) -> tuple[DictConfig, DictConfig]:
        """What the words that choose options compose, with Hydra's part and without. Both are shared: read only."""
        options = tuple(word for word, override in self._pairs(words) if self.is_option(override))
        if options not in self._composed:
            whole = self._loader.load_sweep_config(self._config, list(options))
            config = copy.deepcopy(whole)
            with open_dict(config):
                del config["hydra"]
            self._composed[options] = whole, config
        return self._composed[options]

    def _with_values(self, config: DictConfig, words: Sequence[str]) -> DictConfig:
        """A copy with the values of all words that give one."""
        config = copy.deepcopy(config)
        values = [override for _, override in self._pairs(words) if not self.is_option(override)]
        ConfigLoaderImpl._apply_overrides_to_config(values, config)
        return config

    def _pairs(self, words: Sequence[str]) -> Iterator[tuple[str, Override]]:
        return zip(words, self.parse(words), strict=True)

    @contextlib.contextmanager
    def _as_a_job(self, words: Sequence[str], number: int) -> Iterator[None]:
        """In this block, `${hydra:...}` and the environment are those of a job."""
        hydra = _Hydra(lambda: self._hydra(words, number))
        whole, _ = self._of_options(words)
        environment = hydra.hydra.job.env_set if whole.hydra.job.env_set else {}
        current, before = HydraConfig.instance(), HydraConfig.instance().cfg
        current.cfg = hydra  # type: ignore[assignment]
        try:
            with env_override(environment):
                yield
        finally:
            current.cfg = before

    def _hydra(self, words: Sequence[str], number: int) -> DictConfig:
        """Hydra's part of a job's configuration."""
        from eyechart.core.cli import number_job

        whole, _ = self._of_options(words)
        hydra = self._with_values(whole, words).hydra
        with read_write(hydra):
            hydra.overrides.task = list(words)
            hydra.job.override_dirname = get_overrides_dirname(self.parse(words), **hydra.job.config.override_dirname)
        number_job(hydra, number)
        assert isinstance(hydra, DictConfig)
        return hydra


class _Hydra:
    """What `HydraConfig` holds while a job is checked: made where it is asked for, since few configurations do."""

    def __init__(self, make: Callable[[], DictConfig]) -> None:
        self._make = make

    @functools.cached_property
    def hydra(self) -> DictConfig:
        return self._make()


def plain(node: Mapping[str, Any]) -> dict[str, Any]:
    """A node of a configuration as nested plain values."""
    container = OmegaConf.to_container(OmegaConf.create(dict(node)), resolve=True)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}
