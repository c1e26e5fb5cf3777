"""Files of the service: uploads, artefacts of models, results."""
