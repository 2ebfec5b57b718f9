"""What interviews say: transcripts, codings, agreement of coders, saturation."""
