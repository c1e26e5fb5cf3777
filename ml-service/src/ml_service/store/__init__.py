"""Files: uploads and artefacts."""
