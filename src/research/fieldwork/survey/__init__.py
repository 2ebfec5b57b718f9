"""What a survey and experts' judgements say: scales, reliability, groups, weights."""
