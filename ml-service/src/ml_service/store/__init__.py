"""Files of the service: uploads, artefacts and results."""
