package worker

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/png"
	"strings"
)

// display returns what a result looks like, by media type; a nil error alone is nothing to show.
func display(values []any) (data map[string]any, ok bool) {
	defer func() {
		if failure := recover(); failure != nil {
			data, ok = map[string]any{"text/plain": fmt.Sprintf("%%!v(PANIC=%v)", failure)}, true
		}
	}()
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = fmt.Sprintf("%v", value)
	}
	data = map[string]any{"text/plain": plain(strings.Join(texts, " "))}
	if len(values) == 1 {
		rich(values[0], data)
	}
	return data, true
}

func rich(value any, data map[string]any) {
	if v, ok := value.(interface{ HTML() string }); ok {
		data["text/html"] = v.HTML()
	}
	if v, ok := value.(interface{ Markdown() string }); ok {
		data["text/markdown"] = v.Markdown()
	}
	if v, ok := value.(interface{ SVG() string }); ok {
		data["image/svg+xml"] = v.SVG()
	}
	if v, ok := value.(image.Image); ok {
		var encoded bytes.Buffer
		if png.Encode(&encoded, v) == nil {
			data["text/plain"] = fmt.Sprintf("%T %v", v, v.Bounds())
			data["image/png"] = base64.StdEncoding.EncodeToString(encoded.Bytes())
		}
	}
}
