/// Tags outside the paper's 50, given at random: what listeners write besides, and no hint at the pitches.
enum OtherTags {
  static let names = [
    "a cappella", "accordion", "afrobeat", "album track", "april", "autumn songs", "barefoot", "bass heavy",
    "bedroom pop", "big band", "blue hour", "bossa nova", "brass", "breakup", "café music", "cello", "choir",
    "christmas", "cinematic", "clarinet", "coast drive", "collab", "cover version", "cumbia", "demo", "driving",
    "drone", "duet", "echo chamber", "eight bit", "fado", "falsetto", "feel good", "field recording",
    "final track",
    "first listen", "fjord", "flute", "found on the road", "français", "gospel", "handclaps", "harp", "headphones",
    "hidden gem", "instrumental intro", "italo", "junkyard", "kitchen dance", "late night", "lo-fi", "long intro",
    "lullaby", "marching", "morning", "my vinyl", "night bus", "no drums", "one chord", "opener", "orchestral",
    "organ", "piano", "polka", "rainy day", "remix", "saxophone", "sea shanty", "seventh chords", "ska", "slow",
    "songs with names", "soundtrack", "spoken word", "steel guitar", "strings", "summer", "swing", "synthesizer",
    "tango", "title with number", "trumpet", "ukulele", "under two minutes", "violin", "waltz", "whistling",
    "winter", "workout", "zither",
  ]
}
