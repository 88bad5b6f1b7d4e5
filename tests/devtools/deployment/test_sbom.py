"""bin/sbom: what the image holds, as CycloneDX."""

import json
import re
import subprocess

from devtools.deployment.versions import ROOT


def test_it_names_every_locked_package_with_its_version_and_hashes():
    done = subprocess.run([ROOT / "bin" / "sbom"], capture_output=True, text=True, check=True)
    listed = json.loads(done.stdout)
    assert listed["bomFormat"] == "CycloneDX"
    found = {f"{each['name']}=={each['version']}": each for each in listed["components"]}
    lock = (ROOT / "requirements.lock").read_text()
    assert set(found) == set(re.findall(r"^([a-z0-9][^ ]*)", lock, re.MULTILINE))
    for each in found.values():
        assert any(reference.get("hashes") for reference in each["externalReferences"])
