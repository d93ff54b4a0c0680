"""Run as a script in a process of its own: make the metadata of the source tree SOURCE in the folder OUTPUT.

It imports nothing of satlock, so that where it lies is no matter to it.
"""

import os
import shutil
import sys


def main(source: str, output: str, installer: str) -> None:
    """Build in an isolated environment whose requirements ``installer`` (uv or pip) installs."""
    import build
    import build.env

    with build.env.DefaultIsolatedEnv(installer=installer) as env:  # type: ignore[arg-type]
        builder = build.ProjectBuilder.from_isolated_env(env, source)
        env.install(builder.build_system_requires)
        env.install(builder.get_requires_for_build("wheel"))
        found = builder.metadata_path(output + ".all")
        os.makedirs(output, exist_ok=True)
        shutil.copyfile(os.path.join(found, "METADATA"), os.path.join(output, "METADATA"))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:
        cause = getattr(error, "exception", None)  # a backend that cannot be imported says why in a traceback
        output = getattr(cause, "traceback", None) or getattr(error, "stderr", None) or getattr(error, "stdout", None)
        if output:
            print(output.decode("utf-8", "replace") if isinstance(output, bytes) else output)
        text = " ".join(str(error).split()) or type(error).__name__
        print(f"satlock-build-failed: {text}", flush=True)
        sys.exit(1)
