// Go's way: no value is encoded at all.
// usage: go run sign.go SECRET_ID SECRET_KEY ISSUED_AT EXPIRES_AT RANDOM
package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"os"
)

func main() {
	inputs := os.Args[1:]
	original := fmt.Sprintf("secretId=%s&currentTimeStamp=%s&expireTime=%s&random=%s",
		inputs[0], inputs[2], inputs[3], inputs[4])
	mac := hmac.New(sha1.New, []byte(inputs[1]))
	mac.Write([]byte(original))
	fmt.Print(base64.StdEncoding.EncodeToString(append(mac.Sum(nil), original...)))
}
