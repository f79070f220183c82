# A text file as C string literals, a line each: #include it where a string is expected.
# Run by the build.
{
    gsub(/[\\"]/, "\\\\&")
    print "\"" $0 "\\n\""
}
