using System;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

// C#'s way: Uri.EscapeDataString on secretId only, bytes in the machine's default encoding.
// usage: mcs sign.cs && mono sign.exe SECRET_ID SECRET_KEY ISSUED_AT EXPIRES_AT RANDOM
static class Sign
{
    static void Main(string[] inputs)
    {
        var original = "secretId=" + Uri.EscapeDataString(inputs[0])
            + "&currentTimeStamp=" + inputs[2] + "&expireTime=" + inputs[3] + "&random=" + inputs[4];
        var text = Encoding.Default.GetBytes(original);
        using (var hmac = new HMACSHA1(Encoding.Default.GetBytes(inputs[1])))
            Console.Write(Convert.ToBase64String(hmac.ComputeHash(text).Concat(text).ToArray()));
    }
}
